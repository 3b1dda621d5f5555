"use strict";

// The editor of test functions: a plain text area, so that every way to write works, with a coloured copy beneath.
(() => {
  const INDENT = "    ";
  const KEYWORDS = new Set("False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield match case".split(" "));
  const KNOWN = new Set("abs all any bool dict enumerate filter float int isinstance len list map max min print range repr reversed round set sorted str sum tuple type zip".split(" "));
  const TOKEN = /(#[^\n]*)|([rbfu]{0,2}(?:"""[\s\S]*?(?:"""|$)|\'\'\'[\s\S]*?(?:\'\'\'|$)|"(?:\\.|[^"\\\n])*"?|\'(?:\\.|[^\'\\\n])*\'?))|(\b\d[\w.]*)|([A-Za-z_]\w*)/gi;

  const kindOf = ([, comment, string, number, word], before) => {
    if (comment !== undefined) return "comment";
    if (string !== undefined) return "string";
    if (number !== undefined) return "number";
    if (KEYWORDS.has(word)) return "keyword";
    if (/\b(?:def|class)\s+$/.test(before)) return "name";
    return KNOWN.has(word) ? "known" : "";
  };

  const coloured = (text) => {
    const parts = document.createDocumentFragment();
    let end = 0;
    for (const match of text.matchAll(TOKEN)) {
      const kind = kindOf(match, text.slice(Math.max(0, match.index - 20), match.index));
      if (!kind) continue;
      parts.append(text.slice(end, match.index));
      const part = document.createElement("span");
      part.className = `code-${kind}`;
      part.textContent = match[0];
      parts.append(part);
      end = match.index + match[0].length;
    }
    parts.append(`${text.slice(end)}\n`);
    return parts;
  };

  const editor = document.querySelector("[data-editor]");
  const field = editor.querySelector("textarea");
  const shade = editor.querySelector(".editor-shade");
  const numbers = editor.querySelector(".editor-lines");
  let leaves = false; // after Esc, Tab goes on to the next field

  const badLines = () => new Set([...document.querySelectorAll("#function-problems [data-line]")].map((item) => Number(item.dataset.line)));

  const draw = () => {
    shade.replaceChildren(coloured(field.value));
    const bad = badLines();
    numbers.replaceChildren(...field.value.split("\n").flatMap((_, at) => {
      const number = document.createElement("span");
      number.textContent = at + 1;
      if (bad.has(at + 1)) number.className = "bad";
      return [number, "\n"];
    }));
  };

  // Through the browser's own editing, so that it can be undone.
  const write = (text) => {
    document.execCommand("insertText", false, text);
  };

  const lineStart = (place) => field.value.lastIndexOf("\n", place - 1) + 1;

  const reindent = (deeper) => {
    const start = lineStart(field.selectionStart);
    const end = field.selectionEnd;
    const lines = field.value.slice(start, end).split("\n");
    const changed = lines.map((line) => (deeper ? INDENT + line : line.replace(/^ {1,4}/, ""))).join("\n");
    field.setSelectionRange(start, end);
    if (changed) write(changed);
    else document.execCommand("delete");
    field.setSelectionRange(start, start + changed.length);
  };

  const indent = (event) => {
    event.preventDefault();
    const several = field.value.slice(field.selectionStart, field.selectionEnd).includes("\n");
    if (event.shiftKey || several) return reindent(!event.shiftKey);
    const column = field.selectionStart - lineStart(field.selectionStart);
    write(" ".repeat(INDENT.length - (column % INDENT.length)));
  };

  const newLine = (event) => {
    event.preventDefault();
    const line = field.value.slice(lineStart(field.selectionStart), field.selectionStart);
    write(`\n${line.match(/^ */)[0]}${/:\s*$/.test(line) ? INDENT : ""}`);
  };

  field.addEventListener("keydown", (event) => {
    if (field.readOnly || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Tab" && !leaves) indent(event);
    else if (event.key === "Enter" && !event.shiftKey) newLine(event);
    leaves = event.key === "Escape";
  });
  field.addEventListener("input", draw);
  document.addEventListener("htmx:afterSwap", draw);
  editor.classList.add("lit");
  draw();

  document.addEventListener("click", ({ target }) => {
    const goer = target.closest("[data-goes]");
    if (!goer) return;
    const line = Number(goer.dataset.goes);
    const start = field.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    const end = field.value.indexOf("\n", start);
    field.focus();
    field.setSelectionRange(start, end < 0 ? field.value.length : end);
    editor.scrollTop = Math.max(0, numbers.children[line - 1].offsetTop - editor.clientHeight / 2);
  });

  // Rows to try it on.
  const rows = document.getElementById("dry-rows");
  const look = () => {
    const adds = document.querySelector("[data-adds-row]");
    if (adds) adds.disabled = rows.querySelectorAll(".dry-row").length >= Number(rows.dataset.most);
  };
  document.addEventListener("click", ({ target }) => {
    if (target.closest("[data-adds-row]")) {
      rows.append(document.getElementById("dry-row").content.cloneNode(true));
      rows.querySelector(".dry-row:last-child textarea").focus();
      look();
    }
    const drops = target.closest("[data-drops-row]");
    if (drops) {
      drops.closest(".dry-row").remove();
      look();
    }
  });
})();

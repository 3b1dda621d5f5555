"use strict";

// The test chat: sends the whole conversation, and shows the answer as it comes.
(() => {
  const chat = document.getElementById("chat");
  if (!chat) return;
  const byId = (id) => document.getElementById(id);
  const conversation = byId("conversation");
  const empty = byId("chat-empty");
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  let messages = [];

  const bubble = (kind, text) => {
    empty.remove();
    const element = document.createElement("div");
    element.className = `bubble ${kind}`;
    element.textContent = text;
    conversation.append(element);
    conversation.scrollTop = conversation.scrollHeight;
    return element;
  };

  const fail = (element, message) => {
    element.classList.add("failed");
    element.textContent = message;
  };

  const take = (line, element) => {
    if (!line.startsWith("data: ") || line === "data: [DONE]") return;
    const event = JSON.parse(line.slice(6));
    if (event.error) throw new Error(event.error.message ?? event.error);
    element.textContent += event.choices?.[0]?.delta?.content ?? "";
    conversation.scrollTop = conversation.scrollHeight;
  };

  const read = async (response, element) => {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) take(line, element);
    }
  };

  const ask = async () => {
    const began = performance.now();
    const element = bubble("", "…");
    const response = await fetch(chat.dataset.address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify({
        messages,
        temperature: Number(byId("chat-temperature").value),
        max_tokens: Number(byId("chat-tokens").value) || 256,
      }),
    });
    if (!response.ok) {
      const body = await response.json().catch(() => ({}));
      messages.pop();
      return fail(element, body.error ?? `The server answered ${response.status}.`);
    }
    element.textContent = "";
    try {
      await read(response, element);
      messages.push({ role: "assistant", content: element.textContent });
      byId("chat-note").textContent = `${((performance.now() - began) / 1000).toFixed(2)} s`;
    } catch (error) {
      messages.pop();
      fail(element, error.message);
    }
  };

  byId("chat-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = byId("chat-text").value.trim();
    if (!text || byId("chat-send").disabled) return;
    byId("chat-text").value = "";
    byId("chat-send").disabled = true;
    messages.push({ role: "user", content: text });
    bubble("mine", text);
    await ask().catch(() => bubble("failed", "The server cannot be reached just now."));
    byId("chat-send").disabled = false;
    byId("chat-text").focus();
  });

  byId("chat-text").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    byId("chat-form").requestSubmit();
  });

  byId("chat-clear").addEventListener("click", () => {
    messages = [];
    conversation.replaceChildren(empty);
  });
})();

"use strict";

// How answers look: one renderer for each task. Everything that a model wrote is set as text.
const Answers = (() => {
  const element = (name, className = "", text = "") => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  };

  const percent = (value) => `${(100 * value).toFixed(value < 0.1 ? 2 : 1)} %`;

  const meter = (value, label, low = 0, high = 1) => {
    const made = element("meter", "bar");
    made.min = low;
    made.max = high;
    made.value = value;
    made.setAttribute("aria-label", label);
    return made;
  };

  const table = (caption, heads) => {
    const made = element("table", "table table-sm mb-0");
    const title = element("caption", "hint", caption);
    made.append(title, element("thead"), element("tbody"));
    const row = made.tHead.insertRow();
    for (const head of heads) {
      const cell = element("th", "", head);
      cell.scope = "col";
      row.append(cell);
    }
    return made;
  };

  // The most likely label first.
  const labels = (body) => {
    const scores = Object.entries(body.data[0].probs).sort((a, b) => b[1] - a[1]);
    const made = table("Probability of each label", ["Label", "", ""]);
    for (const [label, value] of scores) {
      const row = made.tBodies[0].insertRow();
      row.insertCell().textContent = label;
      row.insertCell().append(meter(value, `${label}: ${percent(value)}`));
      row.insertCell().textContent = percent(value);
      row.lastChild.className = "text-end text-nowrap";
    }
    return made;
  };

  const number = (body) => {
    const made = element("div");
    const { value } = body.data[0];
    made.append(element("div", "figure-large", Number(value.toPrecision(6)).toString()), element("div", "hint", "in the unit of the training data"));
    return made;
  };

  const dot = (one, other) => one.reduce((sum, value, at) => sum + value * other[at], 0);

  const cosine = (one, other) => dot(one, other) / (Math.sqrt(dot(one, one) * dot(other, other)) || 1);

  // Text 1 against the rest is what most people look for; the matrix has all pairs.
  const similarity = (body, texts) => {
    const vectors = body.data.map((entry) => entry.embedding);
    const made = element("div");
    if (vectors.length < 2) {
      made.append(element("div", "", `A vector of ${vectors[0].length} numbers.`), element("div", "hint", "Write several texts, one on each line, to see how near they are."));
      const start = element("pre", "example mt-2", `[${vectors[0].slice(0, 8).map((value) => value.toFixed(4)).join(", ")}, …]`);
      made.append(start);
      return made;
    }
    const bars = table("How near the others are to the first text (cosine)", ["Text", "", ""]);
    for (let at = 1; at < vectors.length; at += 1) {
      const near = cosine(vectors[0], vectors[at]);
      const row = bars.tBodies[0].insertRow();
      row.insertCell().textContent = texts[at];
      row.insertCell().append(meter(near, `${texts[at]}: ${near.toFixed(3)}`, -1, 1));
      row.insertCell().textContent = near.toFixed(3);
    }
    made.append(bars);
    if (vectors.length > 2) made.append(matrix(vectors, texts));
    return made;
  };

  const matrix = (vectors, texts) => {
    const wrap = element("div", "table-responsive mt-3");
    const made = element("table", "heat");
    made.append(element("caption", "hint", "Each with each"), element("thead"), element("tbody"));
    const head = made.tHead.insertRow();
    head.append(element("td"), ...vectors.map((_, at) => Object.assign(element("th", "", String(at + 1)), { scope: "col" })));
    vectors.forEach((one, at) => {
      const row = made.tBodies[0].insertRow();
      const name = Object.assign(element("th", "", String(at + 1)), { scope: "row", title: texts[at] });
      row.append(name);
      for (const other of vectors) {
        const near = cosine(one, other);
        const cell = row.insertCell();
        cell.textContent = near.toFixed(2);
        const strength = Math.max(0, Math.min(9, Math.round(9 * near)));
        if (strength) cell.className = `right-${strength}`;
      }
    });
    wrap.append(made);
    return wrap;
  };

  return { element, whole: { classification: labels, regression: number, embedding: similarity } };
})();

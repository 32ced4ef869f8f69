// Counts the message while somebody types, as the carrier will (70 units, then 67 a part), and keeps the draft.
// Without it the page says the same after one press; nothing here decides anything.
(() => {
  const form = document.querySelector("form.compose"), meter = document.querySelector(".meter");
  if (!form || !meter) return;
  const say = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const body = (text) => {
    const ends = "。！？!?….;；，,、:：";
    const lines = text.split("\n").map((line) => line.trim().replace(/\s+/g, " ")).filter(Boolean);
    if (!lines.length) return "";
    const last = lines.pop();
    let joined = lines.map((line) => (ends.includes(line.at(-1)) ? line : line + "，")).join("") + last;
    if (!"。！？!?…".includes(joined.at(-1))) { while (ends.includes(joined.at(-1))) joined = joined.slice(0, -1); return joined; }
    return joined.slice(0, -1);
  };
  const count = () => {
    const { start, ending, limit, part, one, more } = meter.dataset;
    const text = body(form.elements.short_text.value) || body(form.elements.text.value);
    if (!text) return;
    const units = start.length + text.length + ending.length;
    const parts = units <= limit ? 1 : Math.ceil(units / part);
    const room = parts === 2 ? Number(limit) : part * (parts - 1);
    meter.textContent = say(parts === 1 ? one : more, { units, limit, parts, over: units - room });
    meter.classList.toggle("over", parts > 1);
  };
  let waiting;
  const keep = () => {
    clearTimeout(waiting);
    fetch("/notices/draft", { method: "POST", body: new FormData(form), keepalive: true }).catch(() => {});
  };
  form.addEventListener("input", () => { count(); clearTimeout(waiting); waiting = setTimeout(keep, 1500); });
  addEventListener("pagehide", () => { if (waiting) keep(); });
  form.addEventListener("submit", () => { clearTimeout(waiting); waiting = 0; });
  // only what belongs to the chosen audience is asked for
  const fit = () => {
    const to = form.elements.to.value;
    form.querySelector("fieldset:has(.groups)").hidden = to !== "groups";
    form.elements.names.closest(".field").hidden = !["households", "residents"].includes(to);
    form.elements.at.closest(".field").hidden = form.elements.when.value !== "at";
  };
  form.addEventListener("change", fit);
  fit(); count();
})();

// Keeps what a clerk has typed while it is typed. Without it the same happens at the next press.
"use strict";
(() => {
  const form = document.querySelector("form.poll");
  if (!form) return;
  let waiting = 0;
  const keep = () => {
    clearTimeout(waiting);
    waiting = 0;
    fetch("/polls/draft", { method: "POST", body: new FormData(form), keepalive: true }).catch(() => {});
  };
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(keep, 1500); });
  addEventListener("pagehide", () => { if (waiting) keep(); });
  form.addEventListener("submit", () => { clearTimeout(waiting); waiting = 0; });
})();

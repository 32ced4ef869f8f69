// 念给我听 plays in place; without this the link opens the sound itself.
(() => {
  let now, button, word;
  const rest = () => { if (!now) return; now.pause(); button.querySelector("span").textContent = word; now = null; };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-listen]");
    if (!link) return;
    event.preventDefault();
    const same = now && button === link;
    rest();
    if (same) return;
    button = link; word = link.querySelector("span").textContent;
    now = new Audio(link.href);
    now.onended = rest;
    now.onerror = () => { location = link.href; };
    link.querySelector("span").textContent = link.dataset.stop;
    now.play().catch(() => {});
  });
})();

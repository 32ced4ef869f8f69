// Fetches the live parts of a page again when the server says that something was committed. Without it a link does the same.
"use strict";
(() => {
  const parts = [...document.querySelectorAll("[data-live]")];
  if (!parts.length || !window.EventSource) return;
  let source = null, busy = false, again = false;

  const refresh = async (part) => {
    const headers = { "X-Live": "1" };
    if (part.dataset.etag) headers["If-None-Match"] = part.dataset.etag;
    const answer = await fetch(part.dataset.live, { headers, cache: "no-store", redirect: "manual", credentials: "same-origin" });
    if (answer.status === 304) return;
    if (answer.type === "opaqueredirect" || answer.status === 401) { location.reload(); return; }
    if (!answer.ok || part.contains(document.activeElement) && document.activeElement !== document.body) return;
    part.dataset.etag = answer.headers.get("ETag") || "";
    part.innerHTML = await answer.text();
  };
  const refreshAll = async () => {
    if (busy) { again = true; return; }
    busy = true;
    do {
      again = false;
      for (const part of parts) { try { await refresh(part); } catch { /* the server is away; the next event tries again */ } }
    } while (again);
    busy = false;
  };
  const watch = () => {
    if (source || document.hidden) return;
    source = new EventSource("/live");
    source.addEventListener("changed", refreshAll);
    source.addEventListener("open", refreshAll);
  };
  // a page in the background gives its connection back: a browser has only six for one server
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) { watch(); return; }
    if (source) { source.close(); source = null; }
  });
  addEventListener("pagehide", () => { if (source) { source.close(); source = null; } });
  addEventListener("pageshow", watch);
  watch();
})();

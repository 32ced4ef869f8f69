// The phones without reloading: keys go out at once, screens come in as they change, a call is heard while it speaks.
// Without this file every button is a plain form.
"use strict";
(() => {
  const page = document.querySelector(".phones");
  if (!page) return;
  const phones = new Map([...page.querySelectorAll(".phone")].map((section) => [section.dataset.dial, phoneOf(section)]));
  const teller = document.createElement("p");
  teller.className = "sr";
  teller.setAttribute("role", "status");
  page.append(teller);

  // the village's own time runs as fast as ours, from where the server last said it is
  let ahead = Number(page.dataset.now) - Date.now();
  const two = (n) => String(n).padStart(2, "0");
  const villageTime = () => Date.now() + ahead;

  const lang = document.documentElement.lang === "en" ? "en-GB" : "zh-CN";
  const day = new Intl.DateTimeFormat(lang, { timeZone: "Asia/Shanghai", month: lang === "en-GB" ? "short" : "long", day: "numeric", weekday: "short" });

  function showTime() {
    const beijing = new Date(villageTime() + 8 * 3600e3); // read as UTC, whatever zone this computer is in
    const hour = `${beijing.getUTCHours()}:${two(beijing.getUTCMinutes())}`;
    for (const face of page.querySelectorAll("time.now")) if (face.textContent !== hour) face.textContent = hour;
    const today = page.querySelector(".today");
    const text = day.format(villageTime());
    if (today.textContent !== text) today.textContent = text;
    for (const phone of phones.values()) phone.tick();
  }

  function phoneOf(section) {
    const dial = section.dataset.dial;
    const form = section.querySelector("form");
    const display = section.querySelector(".display");
    const typed = form.querySelector("input[name=text]");
    const voice = document.createElement("audio");
    voice.preload = "auto";
    section.append(voice);
    let heardHere = false; // somebody at this page picked up, or asked to listen in
    let playing = "";
    let asked = 0;

    const screen = () => display.querySelector(".screen");
    const state = () => screen().dataset.state;

    function show(html) {
      const before = state();
      const held = document.activeElement;
      const switches = form.querySelector(".switches");
      const inSwitches = switches.contains(held);
      const inScreen = display.contains(held);
      const parts = document.createElement("template");
      parts.innerHTML = html;
      display.replaceChildren(parts.content.querySelector(".screen"));
      switches.replaceWith(parts.content.querySelector(".switches"));
      if (inSwitches) form.querySelector(".switches button").focus();
      if (inScreen) display.querySelector("[tabindex], .listen")?.focus();
      settle(before);
    }

    function settle(before) {
      const now = state();
      section.dataset.state = now;
      const jump = page.querySelector(`.jump [data-of="${dial}"]`);
      if (jump) jump.dataset.state = now;
      if (now !== before && now === "ringing") tell(display.querySelector(".ring b").textContent);
      if (now !== "talking") {
        if (playing) voice.pause();
        playing = "";
        if (before === "talking") heardHere = false;
      } else hear();
      rename();
    }

    function tell(what) {
      teller.textContent = `${section.querySelector("h2").textContent} ${what}`;
    }

    function hear() {
      const clip = screen().dataset.clip;
      if (!clip) return;
      if (!heardHere) return offer();
      if (clip === playing) return;
      playing = clip;
      const elapsed = Number(screen().dataset.elapsed);
      if (elapsed >= Number(screen().dataset.lasts)) return; // said already: the call waits for a key
      voice.src = clip;
      voice.currentTime = elapsed > 600 ? elapsed / 1000 : 0; // the first words are worth more than being on time
      voice.play().catch((refused) => {
        if (refused.name === "NotAllowedError") offer();
      });
    }

    function offer() {
      if (display.querySelector(".listen")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "listen";
      button.textContent = page.dataset.listen;
      button.addEventListener("click", () => {
        heardHere = true;
        playing = "";
        button.remove();
        hear();
      });
      display.querySelector(".talk")?.append(button);
    }

    function tick() {
      const since = display.querySelector(".since");
      if (since) {
        const s = Math.max(0, Math.floor((villageTime() - Number(since.dataset.since)) / 1000));
        since.textContent = `${Math.floor(s / 60)}:${two(s % 60)}`;
      }
      const needle = display.querySelector(".needle");
      if (needle) {
        const box = needle.ownerSVGElement.viewBox.baseVal;
        const passed = Number(screen().dataset.elapsed) + villageTime() - Number(screen().dataset.now);
        const x = Math.min(1, passed / Math.max(1, Number(screen().dataset.lasts))) * box.width;
        needle.setAttribute("x1", x);
        needle.setAttribute("x2", x);
      }
    }

    async function fetchScreen() {
      const turn = ++asked;
      const answer = await fetch(`/phones/${dial}/screen`, { headers: { "X-Live": "1" } });
      if (answer.ok && turn === asked) show(await answer.text());
    }

    async function press(button) {
      const fields = new URLSearchParams(new FormData(form));
      fields.set("do", button.value);
      fields.set("part", "1");
      const turn = ++asked;
      const answer = await fetch(form.action, { method: "POST", body: fields, headers: { "X-Live": "1" } });
      if (!answer.ok) return location.reload(); // the page says in words what is wrong
      const html = await answer.text();
      if (turn === asked) show(html);
      else fetchScreen();
      display.querySelector(".says")?.scrollIntoView({ block: "nearest" }); // the key may be further down than its answer
    }

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const button = event.submitter || form.querySelector(".first");
      const key = button.value;
      if (button.classList.contains("digit") && state() !== "talking") {
        if (state() === "off") return void press(button);
        if (typed) typed.value += key;
        return;
      }
      if (key === "answer") heardHere = true;
      if (key === "end" && state() === "idle") {
        if (typed) typed.value = "";
        return;
      }
      if (key === "send" && typed && !typed.value.trim() && state() !== "off") return void (typed.focus(), press(button));
      press(button).then(() => {
        if (key === "send" && typed) typed.value = "";
      });
    });

    // a keyboard's own digits are keys of the phone that has the focus
    section.addEventListener("keydown", (event) => {
      if (event.target === typed || event.ctrlKey || event.altKey || event.metaKey || !/^[0-9*#]$/.test(event.key)) return;
      event.preventDefault();
      form.querySelector(`.digit[value="${event.key}"]`).click();
    });

    section.dataset.state = state();
    return { fetchScreen, tick, settle, dial, name: () => section.querySelector("h2").firstChild.textContent.trim(), state };
  }

  const title = document.title;
  function rename() {
    const ringing = [...phones.values()].filter((phone) => phone.state() === "ringing");
    document.title = ringing.length ? page.dataset.rings.replace("%", ringing.map((phone) => phone.name()).join("、")) : title;
  }

  async function fetchBusy() {
    const answer = await fetch(`/phones/busy?on=${page.dataset.on}`, { headers: { "X-Live": "1" } });
    if (!answer.ok) return;
    const html = await answer.text();
    const part = document.getElementById("busy");
    if (part.dataset.html !== html && !part.contains(document.activeElement)) {
      part.dataset.html = html;
      part.innerHTML = html;
    }
  }

  const credit = page.querySelector(".credit");
  async function fetchCredit(fen) {
    if (!credit || credit.dataset.fen === fen) return;
    credit.dataset.fen = fen;
    const answer = await fetch("/phones/sim", { headers: { "X-Live": "1" } });
    if (answer.ok) credit.innerHTML = await answer.text();
  }

  const news = new EventSource(`/phones/live?on=${page.dataset.on}`);
  let busyLater = 0;
  news.addEventListener("message", (event) => {
    const told = JSON.parse(event.data);
    ahead = told.now_ms - Date.now();
    for (const dial of told.screens) phones.get(dial)?.fetchScreen();
    fetchCredit(String(told.credit_fen ?? ""));
    if (told.elsewhere && !busyLater) {
      busyLater = setTimeout(() => {
        busyLater = 0;
        fetchBusy();
      }, 800);
    }
    showTime();
  });
  window.addEventListener("pagehide", () => news.close());

  const clock = page.querySelector(".clock form");
  clock.addEventListener("submit", async (event) => {
    event.preventDefault();
    const buttons = [...clock.querySelectorAll("button")];
    const word = clock.querySelector(".word");
    const fields = new URLSearchParams(new FormData(clock));
    fields.set("to", event.submitter.value);
    fields.set("part", "1");
    for (const button of buttons) button.disabled = true;
    word.textContent = page.dataset.hurries;
    try {
      const answer = await fetch(clock.action, { method: "POST", body: fields });
      if (!answer.ok) return location.reload();
      const told = await answer.json();
      ahead = told.now_ms - Date.now();
      word.textContent = told.word;
      for (const phone of phones.values()) phone.fetchScreen();
      showTime();
    } finally {
      for (const button of buttons) button.disabled = false;
      event.submitter.focus();
    }
  });

  for (const phone of phones.values()) phone.settle(phone.state());
  setInterval(showTime, 250);
})();

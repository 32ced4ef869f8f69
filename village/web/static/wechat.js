// Draws the notice as a long picture with the fonts this computer has, and copies the text.
(() => {
  const canvas = document.querySelector(".poster-image");
  if (canvas) {
    const { village, heading, text, rest, due, signed, lunar, phone } = canvas.dataset;
    const look = getComputedStyle(document.documentElement);
    const colour = (name) => look.getPropertyValue(name).trim();
    const face = look.fontFamily, width = 750, edge = 56;
    const pen = canvas.getContext("2d");
    const font = (size, bold) => { pen.font = `${bold ? 700 : 400} ${size}px ${face}`; };
    const closing = "，。、；：！？,.;:!?）)”’》】", opening = "（(“‘《【";
    const wrap = (words, size, bold) => {
      font(size, bold);
      const lines = [];
      for (const line of words.split("\n")) {
        let row = "";
        // numbers and Latin words stay whole; a line never begins with a closing mark
        for (const piece of line.match(/[0-9A-Za-z.:%+-]+|./gu) || []) {
          if (row && pen.measureText(row + piece).width > width - 2 * edge && !closing.includes(piece)) {
            const last = row.at(-1);
            if (opening.includes(last)) { lines.push(row.slice(0, -1)); row = last + piece; continue; }
            lines.push(row); row = "";
          }
          row += piece;
        }
        lines.push(row);
      }
      return lines;
    };
    const parts = [
      { lines: wrap(text, 52, true), size: 52, bold: true, ink: "--ink", gap: 40 },
      ...(rest ? [{ lines: wrap(rest, 42), size: 42, ink: "--ink", gap: 24 }] : []),
      ...(due ? [{ lines: wrap(due, 34, true), size: 34, bold: true, ink: "--persimmon", gap: 28 }] : []),
      { lines: wrap(signed + (lunar ? " · " + lunar : ""), 30), size: 30, ink: "--soft", gap: 44 },
      ...(phone ? [{ lines: wrap(phone, 30), size: 30, ink: "--soft", gap: 8 }] : []),
    ];
    const top = 210, height = top + parts.reduce((sum, part) => sum + part.gap + part.lines.length * part.size * 1.5, 0) + 72;
    canvas.width = width; canvas.height = height;
    pen.fillStyle = colour("--paper"); pen.fillRect(0, 0, width, height);
    pen.fillStyle = colour("--pine"); pen.fillRect(0, 0, width, 160);
    pen.fillStyle = colour("--white") || "#fff"; pen.textBaseline = "middle";
    font(50, true); pen.fillText(village, edge, 82);
    font(44, true); pen.textAlign = "right"; pen.fillText(heading, width - edge, 82); pen.textAlign = "left";
    let y = top - 30;
    for (const part of parts) {
      y += part.gap; font(part.size, part.bold); pen.fillStyle = colour(part.ink);
      for (const line of part.lines) { pen.fillText(line, edge, y + part.size * 0.75); y += part.size * 1.5; }
    }
    pen.fillStyle = colour("--pine"); pen.fillRect(0, height - 14, width, 14);
    canvas.toBlob((blob) => {
      const save = document.querySelector("[data-save]");
      save.href = URL.createObjectURL(blob); save.hidden = false;
    }, "image/png");
  }
  const copy = document.querySelector("[data-copy]"), area = document.querySelector(".paste");
  if (copy && area) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      area.select();
      try { await navigator.clipboard.writeText(area.value); } catch { document.execCommand("copy"); }
      copy.textContent = copy.dataset.done;
    });
  }
})();

// The scrubber of a report: moves the drawing and the state through the steps. The page is whole without it.
"use strict";
(() => {
  const frames = JSON.parse(document.getElementById("frames").textContent);
  const slider = document.getElementById("step"), where = document.getElementById("where"), play = document.getElementById("play");
  const now = document.getElementById("now");
  const blocks = [...document.querySelectorAll("details[data-step]")];
  const elements = new Map([...document.querySelectorAll("#drawing [data-key]")].map((element) => [element.dataset.key, element]));

  // What an element looks like at a frame is what the last frame up to it said of it.
  const whole = [];
  frames.reduce((before, { patches }) => { const merged = { ...before, ...patches }; whole.push(merged); return merged; }, {});

  const apply = (patches) => {
    for (const [key, patch] of Object.entries(patches)) {
      const element = elements.get(key);
      if (element === undefined) continue;
      for (const [name, value] of Object.entries(patch)) {
        if (name === "text") element.textContent = value;
        else element.setAttribute(name, value);
      }
    }
  };

  const show = () => {
    const place = Number(slider.value), { step, node } = frames[place];
    apply(whole[place]);
    where.textContent = step === 0 ? "the input" : `step ${step} · ${node}`;
    if (now === null) return;
    const block = blocks.findLast((one) => Number(one.dataset.step) <= step) ?? blocks[0], at = Number(block.dataset.step);
    const title = document.createElement("h3");
    title.textContent = at === 0 ? "State: the input" : at === step ? `State after step ${step}, ${node}` : `State after step ${at}, the last one before that is kept in this page`;
    now.replaceChildren(title, ...[...block.cloneNode(true).children].slice(1));
  };

  let timer = 0;
  const stop = () => { clearInterval(timer); timer = 0; play.textContent = "▶ Play"; };
  const begin = () => {
    if (Number(slider.value) === frames.length - 1) slider.value = 0;
    play.textContent = "‖ Pause";
    timer = setInterval(() => {
      if (Number(slider.value) === frames.length - 1) stop();
      else { slider.value = Number(slider.value) + 1; show(); }
    }, Math.max(80, Math.min(700, 12000 / frames.length)));
    show();
  };
  play.addEventListener("click", () => (timer ? stop() : begin()));
  slider.addEventListener("input", () => { if (timer) stop(); if (now !== null) now.hidden = false; show(); });
  document.getElementById("scrubber").hidden = false;
  if (now !== null) document.getElementById("drawing").after(now);
  show();

  // A link to a step opens it.
  const unfold = () => {
    const block = location.hash.startsWith("#step-") ? document.getElementById(location.hash.slice(1)) : null;
    if (block !== null) { block.open = true; block.scrollIntoView({ block: "center" }); }
  };
  addEventListener("hashchange", unfold);
  unfold();
})();

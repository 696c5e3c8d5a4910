// data-counter="rule" data-limit="500" [data-link="23"] on a field: "85 / 500" below it.
import { count } from "./counting.js";

function show(field) {
  const input = field.querySelector("textarea, input");
  const output = field.querySelector("output.counter");
  if (!input || !output) return;
  const limit = Number(field.dataset.limit) || 0;
  const used = count(input.value, field.dataset.counter, Number(field.dataset.link) || 0);
  output.textContent = limit ? `${used} / ${limit}` : String(used);
  output.classList.toggle("over", limit > 0 && used > limit);
  output.classList.toggle("near", limit > 0 && used <= limit && used > limit * 0.9);
}
const all = () => document.querySelectorAll("[data-counter]").forEach(show);
all();
document.addEventListener("htmx:load", all);
document.addEventListener("input", (event) => {
  const field = event.target.closest("[data-counter]");
  if (field) show(field);
});

// Shows a chosen theme at once; the form posts it as well, so that it is kept.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-choice]");
  if (!button) return;
  event.preventDefault();
  const root = document.documentElement;
  if (button.value === "auto") delete root.dataset.theme;
  else root.dataset.theme = button.value;
  for (const other of button.parentElement.querySelectorAll("[data-theme-choice]"))
    other.setAttribute("aria-pressed", String(other === button));
  const body = new FormData(button.form);
  body.set("theme", button.value);
  fetch(button.form.action, { method: "POST", body, redirect: "manual" });
});

// data-copy="id": copies that field. The text can be selected by hand without this.
const ready = () => {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
};
ready();
document.addEventListener("htmx:load", ready);
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    document.execCommand("copy");
  }
  const said = button.querySelector("[data-copy-said]");
  if (!said) return;
  const before = said.textContent;
  said.textContent = said.dataset.copySaid;
  said.setAttribute("role", "status");
  setTimeout(() => (said.textContent = before), 2500);
});

// Arrow keys answer; an answer that is on its way is not sent twice.
const form = document.querySelector("form");
const keys = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "tie" };

document.addEventListener("keydown", (event) => {
  const answer = keys[event.key];
  if (!answer || event.repeat || event.ctrlKey || event.metaKey || event.altKey || form.ariaBusy) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector(`button[value="${answer}"]`));
});
form.addEventListener("submit", () => { form.ariaBusy = "true"; });
window.addEventListener("pageshow", () => { form.ariaBusy = null; });

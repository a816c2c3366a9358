// The field that finds jobs, and the keys that lead through the list.

/** `/` leads to the field, Escape empties it, and j and k lead to the next and the previous job. `poll` asks for what it says. */
function listKeys(field, poll) {
  let typing = 0;
  field.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(poll, 200);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && event.target === field) {
      field.value = "";
      field.blur();
      return poll();
    }
    if (event.target.closest?.("input, select, textarea, dialog")) return;
    if (event.key === "/") {
      event.preventDefault();
      field.focus();
    } else if (event.key === "j" || event.key === "k") {
      const all = [...document.querySelectorAll(".open")];
      const here = all.indexOf(document.activeElement);
      all[here < 0 ? 0 : Math.min(all.length - 1, Math.max(0, here + (event.key === "j" ? 1 : -1)))]?.focus();
    }
  });
}

(() => {
  "use strict";
  const number = (cell) => (cell && cell.dataset.value !== undefined ? cell.dataset.value : null);

  const compare = (one, other, direction) => {
    if (one === null || other === null) return (one === null) - (other === null);
    const [a, b] = [Number(one), Number(other)];
    const order = Number.isNaN(a) || Number.isNaN(b) ? one.localeCompare(other) : a - b;
    return order * direction;
  };

  const sort = (table, head, index) => {
    const ascending = head.getAttribute("aria-sort") !== "ascending";
    for (const other of table.querySelectorAll("tr.heads th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((one, other) =>
      compare(number(one.cells[index]), number(other.cells[index]), ascending ? 1 : -1));
    body.append(...rows);
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    table.querySelectorAll("tr.heads th").forEach((head, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head, index));
      head.append(button);
    });
  }

  const rows = [...document.querySelectorAll("tr[data-method]")];
  const statuses = [...new Set(rows.flatMap((row) => row.dataset.status.split(" ")))];
  const field = (text, control) => {
    const label = document.createElement("label");
    label.append(text, document.createElement("br"), control);
    return label;
  };
  const words = Object.assign(document.createElement("input"), { type: "search", placeholder: "baseline" });
  const status = document.createElement("select");
  for (const each of ["any", ...statuses]) status.append(new Option(each, each));
  const told = document.createElement("output");
  const results = new Set([...document.querySelectorAll("table[id$=-results] tr[data-method]")]);
  const apply = () => {
    const wanted = words.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = !row.dataset.method.toLowerCase().includes(wanted) ||
        (status.value !== "any" && !row.dataset.status.split(" ").includes(status.value));
      shown += !row.hidden && results.has(row);
    }
    told.textContent = shown === results.size ? "" : `${shown} of ${results.size} results shown in the tables`;
  };
  words.addEventListener("input", apply);
  status.addEventListener("change", apply);
  const bar = document.getElementById("filter");
  if (results.size > 4) {
    bar.setAttribute("role", "search");
    bar.setAttribute("aria-label", "Filter the tables");
    bar.append(field("Methods with", words), field("Status", status), told);
    bar.hidden = false;
  }
})();

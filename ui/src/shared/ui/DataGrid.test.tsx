/** The table with the keyboard, and with a hundred thousand rows. */
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { Activity, useState } from "react";
import { expect, it, vi } from "vitest";
import { inConsole } from "../../../tests/inConsole";
import { type Column, DataGrid } from "./DataGrid";

interface Row {
  id: string;
  name: string;
  spend: number | null;
}

const rows: Row[] = [
  { id: "a", name: "Ромашка", spend: 10 },
  { id: "b", name: "Альфа", spend: null },
  { id: "c", name: "Зерно", spend: 30 },
];
const columns: Column<Row>[] = [
  { id: "name", title: "Name", width: "100px", sort: (row) => row.name, cell: (row) => row.name },
  {
    id: "spend",
    title: "Spend",
    width: "100px",
    align: "right",
    sort: (row) => row.spend,
    cell: (row) => row.spend,
  },
];
const names = () =>
  screen
    .getAllByRole("row")
    .map((row) => row.getAttribute("data-row"))
    .filter(Boolean)
    .join("");

function Grid(props: { onOpen?: (row: Row) => void; rows?: Row[] }) {
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  return (
    <div style={{ height: 600 }}>
      <DataGrid
        id="test"
        label="Rows"
        rows={props.rows ?? rows}
        columns={columns}
        rowId={(row) => row.id}
        onOpen={props.onOpen}
        selected={selected}
        onSelect={setSelected}
        totals={{ at: "bottom", cells: { name: "Total", spend: "40" } }}
      />
    </div>
  );
}

/** A list that is read again with another second record. */
function ReadAgain(props: { columns: Column<Row>[] }) {
  const [read, setRead] = useState(rows);
  const again = () => setRead(read.map((row) => (row.id === "b" ? { ...row, spend: 20 } : row)));
  return (
    <>
      <button type="button" onClick={again}>
        Read again
      </button>
      <DataGrid id="test" label="Rows" rows={read} columns={props.columns} rowId={(row) => row.id} onOpen={() => {}} />
    </>
  );
}

it("sorts numbers downwards first, and unknown always stands last", async () => {
  await inConsole(<Grid />);
  const user = userEvent.setup();
  expect(names()).toBe("abc");
  await user.click(screen.getByRole("button", { name: "Spend" }));
  expect(names()).toBe("cab");
  expect(screen.getByRole("columnheader", { name: "Spend" })).toHaveAttribute("aria-sort", "descending");
  await user.click(screen.getByRole("button", { name: "Spend" }));
  expect(names()).toBe("acb");
  await user.click(screen.getByRole("button", { name: "Name" }));
  expect(names()).toBe("bca");
});

it("moves with arrows, opens with Enter, selects with Space, lets go with Esc", async () => {
  const opened = vi.fn();
  await inConsole(<Grid onOpen={opened} />);
  const user = userEvent.setup();
  const grid = screen.getByRole("grid", { name: "Rows" });
  grid.focus();
  await user.keyboard("{ArrowDown}{Enter}");
  expect(opened).toHaveBeenLastCalledWith(rows[1]);
  await user.keyboard("{End} ");
  const last = document.querySelector('[data-row="c"]') as HTMLElement;
  expect(grid).toHaveAttribute("aria-activedescendant", last.id);
  expect(last).toHaveAttribute("aria-selected", "true");
  await user.keyboard(" ");
  expect(last).toHaveAttribute("aria-selected", "false");
  await user.keyboard("{Escape}");
  expect(grid).not.toHaveAttribute("aria-activedescendant");
});

it("draws only what is in sight of a hundred thousand rows and says how many there are", async () => {
  const many = Array.from({ length: 100_000 }, (_, index) => ({
    id: `r${index}`,
    name: `Client ${index}`,
    spend: index,
  }));
  await inConsole(<Grid rows={many} />);
  const grid = screen.getByRole("grid");
  expect(grid).toHaveAttribute("aria-rowcount", "100002");
  const drawn = within(grid).getAllByRole("row").length;
  expect(drawn).toBeGreaterThan(10);
  expect(drawn).toBeLessThan(80);
});

it("draws a row again only when its own record or its own state changes", async () => {
  const drawn: string[] = [];
  const watched: Column<Row>[] = columns.map((column) => ({
    ...column,
    cell: (row) => {
      if (column.id === "name") drawn.push(row.id);
      return column.cell(row);
    },
  }));
  await inConsole(<ReadAgain columns={watched} />);
  const user = userEvent.setup();
  const since = async (act: () => Promise<void>) => {
    drawn.length = 0;
    await act();
    return [...new Set(drawn)].join("");
  };
  expect(await since(() => user.click(screen.getByRole("button", { name: "Read again" })))).toBe("b");
  screen.getByRole("grid").focus();
  expect(await since(() => user.keyboard("{ArrowDown}"))).toBe("ab");
  // Moments are told by their time today and by their day tomorrow.
  const tomorrow = vi.spyOn(Date.prototype, "toDateString").mockReturnValue("tomorrow");
  expect(await since(() => user.keyboard("{ArrowUp}"))).toBe("abc");
  tomorrow.mockRestore();
});

it("says when nothing was found", async () => {
  await inConsole(<Grid rows={[]} />);
  expect(screen.getByText("Nothing found")).toBeInTheDocument();
});

/** A list that can be taken out of sight. */
function Left() {
  const [seen, setSeen] = useState(true);
  return (
    <>
      <button type="button" onClick={() => setSeen(!seen)}>
        Go
      </button>
      <Activity mode={seen ? "visible" : "hidden"}>
        <Grid rows={Array.from({ length: 100 }, (_, n) => ({ id: String(n), name: `Row ${n}`, spend: n }))} />
      </Activity>
    </>
  );
}

it("comes back with its first rows and draws the rest once they are painted", async () => {
  const { container } = await inConsole(<Left />);
  const drawn = () => container.querySelectorAll("[data-row]").length;
  await waitFor(() => expect(drawn()).toBeGreaterThan(12));
  const whole = drawn();
  const go = screen.getByRole("button", { name: "Go" });
  await userEvent.click(go);
  await waitFor(() => expect(drawn()).toBe(12));
  await userEvent.click(go);
  await waitFor(() => expect(drawn()).toBe(whole));
});

/** Two branches, of which the first is open at the beginning. */
function Tree() {
  const [open, setOpen] = useState(true);
  const [sorting, setSorting] = useState<{ id: string; desc: boolean }[]>([]);
  const shown = open ? rows : rows.slice(0, 1);
  return (
    <DataGrid
      id="test"
      label="Tree"
      rows={shown}
      columns={columns}
      rowId={(row) => row.id}
      tree={{
        of: (row) =>
          row.id === "a"
            ? { depth: 0, open, at: 1, of: 1, flat: false }
            : { depth: 1, open: null, at: row.id === "b" ? 1 : 2, of: 2, flat: false },
        onFold: (_, next) => setOpen(next),
        sorting,
        onSorting: setSorting,
      }}
    />
  );
}

it("opens, closes and walks a tree with the arrows, and leaves the order to whoever keeps it", async () => {
  await inConsole(<Tree />);
  const user = userEvent.setup();
  const grid = screen.getByRole("treegrid", { name: "Tree" });
  const active = () => document.querySelector('[data-active="true"]');
  await user.tab();
  expect(grid).toHaveFocus();
  expect(active()).toHaveAttribute("aria-expanded", "true");
  await user.keyboard("{ArrowRight}");
  expect(active()).toHaveAttribute("data-row", "b");
  expect(active()).toHaveAttribute("aria-level", "2");
  expect(active()).toHaveAttribute("aria-posinset", "1");
  expect(active()).not.toHaveAttribute("aria-expanded");
  await user.keyboard("{ArrowRight}{ArrowDown}");
  expect(active()).toHaveAttribute("data-row", "c");
  await user.keyboard("{ArrowLeft}");
  expect(active()).toHaveAttribute("data-row", "a");
  await user.keyboard("{ArrowLeft}");
  expect(names()).toBe("a");
  expect(active()).toHaveAttribute("aria-expanded", "false");
  await user.keyboard("{ArrowLeft}{Enter}");
  expect(names()).toBe("abc");
  await user.click(screen.getByRole("button", { name: "Spend" }));
  expect(names()).toBe("abc");
  expect(screen.getByRole("columnheader", { name: "Spend" })).toHaveAttribute("aria-sort", "descending");
});

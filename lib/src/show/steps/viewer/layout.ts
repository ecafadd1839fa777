import type { StepTarget } from "../trace";

/** Where the elements of a target stand in a picture: a window of its rows and columns, long rows folded. */
export interface Grid {
  /** First row and column shown, in the target's own coordinates. */
  readonly row0: number;
  readonly col0: number;
  /** Columns and rows of the target that are shown. */
  readonly cols: number;
  readonly rows: number;
  /** Cells of a line of the picture, and its lines. */
  readonly width: number;
  readonly height: number;
  /** Columns the target has. */
  readonly columns: number;
}

const MOST_WIDE = 128;

/** Columns of a target: the last extent; what comes before are its rows. */
export function columnsOf(shape: readonly number[]): number {
  return Math.max(1, shape[shape.length - 1] ?? 1);
}

/** The smallest window that holds both corners (row, column), its columns on borders of 32-byte sectors. */
export function gridOf(
  { shape, elementBytes }: StepTarget,
  least: readonly [number, number],
  most: readonly [number, number],
): Grid {
  const columns = columnsOf(shape);
  const sector = Math.max(1, Math.floor(32 / elementBytes));
  const col0 = Math.floor(least[1] / sector) * sector;
  const cols = Math.min(columns, Math.ceil((most[1] + 1) / sector) * sector) - col0;
  const rows = most[0] - least[0] + 1;
  const width = cols <= MOST_WIDE ? cols : rows * cols > 4096 ? MOST_WIDE : MOST_WIDE / 2;
  return { row0: least[0], col0, cols, rows, width, height: rows * Math.ceil(cols / width), columns };
}

/** The whole of a shared array as one window; one of a single extent in lines of the 32 banks. */
export function wholeGrid(target: StepTarget): Grid {
  const elements = target.shape.reduce((product, extent) => product * extent, 1);
  const columns = columnsOf(target.shape);
  const grid = gridOf(target, [0, 0], [Math.max(0, Math.ceil(elements / columns) - 1), columns - 1]);
  const banks = Math.max(1, Math.floor(128 / target.elementBytes));
  const narrow = columns <= 4 && grid.height > 4;
  if (!narrow && (target.shape.length > 1 || columns <= banks)) return grid;
  if (narrow)
    return {
      ...gridOf({ ...target, shape: [elements] }, [0, 0], [0, elements - 1]),
      width: banks,
      height: Math.ceil(elements / banks),
    };
  return { ...grid, width: banks, height: Math.ceil(columns / banks) };
}

/** The cell of an element, or null outside the window. */
export function cellOf(grid: Grid, element: number): readonly [x: number, y: number] | null {
  const row = Math.floor(element / grid.columns) - grid.row0;
  const col = (element % grid.columns) - grid.col0;
  if (row < 0 || col < 0 || row >= grid.rows || col >= grid.cols) return null;
  return [col % grid.width, row * Math.ceil(grid.cols / grid.width) + Math.floor(col / grid.width)];
}

/** The element of a cell; -1 where the picture has a hole or ends. */
export function elementAt(grid: Grid, x: number, y: number): number {
  if (x < 0 || y < 0 || x >= grid.width || y >= grid.height) return -1;
  const lines = Math.ceil(grid.cols / grid.width);
  const col = (y % lines) * grid.width + x;
  return col < grid.cols ? (grid.row0 + Math.floor(y / lines)) * grid.columns + grid.col0 + col : -1;
}

/** Coordinates of an element in a shape: "[3, 17]". */
export function coordinates(shape: readonly number[], element: number): string {
  const parts: number[] = [];
  let left = element;
  for (let axis = shape.length - 1; axis > 0; axis--) {
    parts.unshift(left % shape[axis]!);
    left = Math.floor(left / shape[axis]!);
  }
  return `[${[left, ...parts].join(", ")}]`;
}

/** Pixels of a grid's cells, with a gap after every `group` of them: 32 bytes, so that sectors show. */
export class Spacing {
  readonly size: number;
  readonly height: number;
  readonly #gap: number;

  constructor(
    readonly grid: Grid,
    readonly group: number,
    room: number,
    most: number,
  ) {
    const gaps = Math.max(0, Math.ceil(grid.width / group) - 1);
    const size = (room - gaps * 3) / grid.width;
    this.#gap = size >= 5 ? 3 : size >= 2.5 ? 1.5 : 0;
    this.size = Math.max(1, Math.min(most, (room - gaps * this.#gap) / grid.width));
    if (this.size > 4) this.size = Math.floor(this.size);
    // Few lines stand taller, so that they can be pointed at; many lie flatter, so that they can be seen at once.
    const tall = Math.max(this.size, Math.min(14, Math.floor(120 / grid.height)));
    this.height = Math.min(most, tall, Math.max(Math.min(this.size, 12), Math.floor(240 / grid.height)));
  }

  x(column: number): number {
    return column * this.size + Math.floor(column / this.group) * this.#gap;
  }

  y(line: number): number {
    return line * this.height;
  }

  get pixelWidth(): number {
    return this.x(this.grid.width - 1) + this.size + 1;
  }

  get pixelHeight(): number {
    return this.grid.height * this.height + 1;
  }

  /** The element under a place of the picture, or -1. */
  element(x: number, y: number): number {
    let column = 0;
    while (column < this.grid.width - 1 && this.x(column + 1) <= x) column++;
    return x > this.x(column) + this.size ? -1 : elementAt(this.grid, column, Math.floor(y / this.height));
  }
}

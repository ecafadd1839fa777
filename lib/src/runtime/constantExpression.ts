/** The value of + - * / % << and parentheses over integers; NaN or a fraction where the text is no such thing. */
export function evaluate(tokens: readonly string[]): number {
  let at = 0;
  const primary = (): number => {
    const token = tokens[at++];
    if (token === "(") {
      const value = sum();
      at++;
      return value;
    }
    if (token === "-") return -primary();
    if (token === "+") return primary();
    return Number(token);
  };
  const product = (): number => {
    let value = primary();
    for (; tokens[at] === "*" || tokens[at] === "/" || tokens[at] === "%"; ) {
      const operator = tokens[at++];
      const right = primary();
      value = operator === "*" ? value * right : operator === "/" ? Math.trunc(value / right) : value % right;
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    for (; tokens[at] === "+" || tokens[at] === "-" || tokens[at] === "<<"; ) {
      const operator = tokens[at++];
      const right = product();
      value = operator === "+" ? value + right : operator === "-" ? value - right : value * 2 ** right;
    }
    return value;
  };
  return sum();
}

/**
 * Names under which a C++ compiler is looked for, in this order: distributions name further versions by number, and a
 * machine may have nothing but a g++-13. The CPU device looks in the same places (lib/src/backend/simt/compiler.ts).
 */
export const compilerNames = [
  "g++",
  "clang++",
  ...[16, 15, 14, 13, 12, 11].map((version) => `g++-${version}`),
  ...[22, 21, 20, 19, 18, 17, 16, 15, 14].map((version) => `clang++-${version}`),
  "c++",
];

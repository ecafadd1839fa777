export * from "./core/dtype";
export { env, type Switch, switches } from "./core/env";
export { LabError, type LabErrorDetails, type SourceLine } from "./core/error";
export { dataPath, home, kernelPath, packageRoot, resultsPath } from "./core/paths";
export { ceilDiv, type Shape } from "./core/shape";

export { type Audit, type AuditOptions, type AuditRow, audit } from "./audit/audit";
export { type AuditViewOptions, auditView } from "./audit/auditView";
export { type AuditVerdict, auditRule } from "./audit/limits";
export type { CompiledModule, CompileRequest } from "./backend/compiled";
export type * from "./backend/contract";
export { recordedBaselines, recordedRuns } from "./baselines/recorded";
export { type BaselineOptions, findTorch, runBaselines } from "./baselines/run";
export { standing, standingRows } from "./baselines/standing";
export { type CalibrateOptions, calibrate } from "./bench/calibrate";
export { copyBandwidth } from "./bench/copyBandwidth";
export { type CounterOptions, type Counters, counters, countersOf } from "./bench/counters";
export { environmentOf, labVersion } from "./bench/environment";
export type { Figure as SpeedFigure, FigureRun } from "./bench/figure";
export { runFigures } from "./bench/figures";
export { type Evidence, judge } from "./bench/gate";
export { type ComparedRecords, type Contender, compare, measure, measureInterleaved } from "./bench/measure";
export { type CounterReading, readCounters } from "./bench/recordCounters";
export {
  compareBaselines,
  compareWithBaseline,
  measureBaseline,
  type RegressionOptions,
} from "./bench/regression";
export { type Roof, roofOf } from "./bench/roofline";
export {
  type SanitizeOptions,
  type SanitizerFinding,
  type SanitizerReport,
  type SanitizerTool,
  sanitize,
} from "./bench/sanitize";
export {
  contender,
  measureVariant,
  measureVariants,
  runSuite,
  type SuiteResult,
  suiteNames,
} from "./bench/suites";
export { type Sweep, type SweepDeclaration, type SweepPoint, sweep } from "./bench/sweep";
export { type RungSweepOptions, sweepRung } from "./bench/sweepRung";
export type { CheckInput, LaunchTarget, MeasureOptions, MeasureTarget } from "./bench/target";
export { type Calibration, calibrationOf, type Gate, gateFor, gates } from "./bench/thresholds";
export * from "./core/dtype";
export { env, type Switch, switches } from "./core/env";
export { LabError, type LabErrorDetails, type SourceLine } from "./core/error";
export type * from "./core/inspection";
export { interruptAll } from "./core/interrupt";
export { dataPath, home, kernelPath, packageRoot, resultsPath } from "./core/paths";
export { ceilDiv, type Shape } from "./core/shape";
export { type DuelOptions, type DuelOutcome, duel } from "./duel/duel";
export { type Criteria, criteriaOf } from "./grade/criteria";
export type { Deduction } from "./grade/deductions";
export { inspectRun } from "./grade/documentChecks";
export type { Finding } from "./grade/findings";
export { gradeSubmission, gradeSubmissions, type SubmissionGrade } from "./grade/grade";
export { gradesCsv, gradeText } from "./grade/gradeView";
export { readSubmissions, type Submission } from "./grade/submission";
export { type Difference, type Exploration, type ExploreOptions, explore } from "./lens/explore";
export type { Hazard, HazardAct, HazardKind } from "./lens/hazard";
export { type LensLaunch, type LensOptions, lens } from "./lens/lens";
export { lensPicture, type RequestChoice } from "./lens/pictures";
export type * from "./lens/report";
export { lensRoofline, type RooflinePlace } from "./lens/roofline";
export { lensHtml, lensText, showLens } from "./lens/show";
export { type StepOptions, showSteps, step } from "./lens/step";
export type { HazardReport } from "./lens/watch";
export { type Exercise, type Grade, grade, gradeRows } from "./lessons/exercise";
export { type ExerciseName, exercise, exerciseNames } from "./lessons/exercises";
export { showExercise, showGrade } from "./lessons/show";
export { type AttentionOptions, type AttentionResult, attention } from "./ops/attend";
export type { AttentionCase, AttentionSizes } from "./ops/attentionCase";
export { type Balance, balanceOf, capacityOf, dropped } from "./ops/balance";
export { balanceByBias, balanceByGradient, type Training, type TrainingOptions } from "./ops/balanceTraining";
export { compareOutput, type Expectation, sampleIndices } from "./ops/check";
export { findRung, type Ladder, ladders } from "./ops/ladders";
export * as matmul from "./ops/matmul";
export { type BindOptions, Moe } from "./ops/moe";
export { checkMoe } from "./ops/moeCheck";
export {
  expertBytes,
  expertFlops,
  type MoeConfig,
  type MoeOptions,
  type MoeTile,
  moeBenchConfig,
} from "./ops/moeConfig";
export type { ExpertPath, MoeRun, MoeStep } from "./ops/moeRun";
export * as patterns from "./ops/patterns";
export * as reference from "./ops/reference";
export * as softmax from "./ops/softmax";
export { textTokens, uniformTokens, zipfTokens } from "./ops/text";
export { type TileCost, type TiledRung, tileCost, tileGrid, tileNeeds, tileResources } from "./ops/tiling";
export {
  type Axes,
  type CaseResult,
  checkVariant,
  type Launch,
  type OpCase,
  type Prepared,
  type PrepareOptions,
  prepare,
  type Variant,
  variantSource,
} from "./ops/variant";
export { type Bundle, type BundleFiles, type PackedRun, packBundle, readBundle } from "./record/bundle";
export { type Change, type ChangeReport, type ChangeRow, changeOf, type Severity } from "./record/change";
export { type Column, csvText, type Flat, recordColumns, sampleColumns } from "./record/columns";
export { type Comparison, compareSamples, tiedForBest } from "./record/comparison";
export { type CounterQuantity, counterQuantities } from "./record/counterMetrics";
export { type DocumentOptions, runDocument } from "./record/document";
export { type ModeRule, type Modes, modesOf, secondMode } from "./record/modes";
export { bestOfOurs, comparableRecords, compareRecords, sameRun, withCounters } from "./record/pairing";
export { parquetBytes } from "./record/parquet";
export {
  readBaseline,
  type SavedBaseline,
  saveBaseline,
  savedBaselineNames,
} from "./record/savedBaseline";
export type * from "./record/schema";
export { digestOf, type SealState, sealState } from "./record/seal";
export { medianInterval, quantile, summarize } from "./record/statistics";
export {
  type LoadedRuns,
  latestRecords,
  loadRuns,
  type RecordFilter,
  readRun,
  readRunText,
  recordsOf,
  saveRun,
} from "./record/store";
export { readTrace, type StoredTrace, saveTrace } from "./record/traceFile";
export { type CudaCompilation, compileCuda } from "./runtime/compileCuda";
export type * from "./runtime/ctypes";
export { type CompileOptions, Device, type FillOptions, type TensorOptions } from "./runtime/device";
export { Graph } from "./runtime/graph";
export type { InspectOptions } from "./runtime/inspect";
export { Kernel } from "./runtime/kernel";
export type { Extents, LaunchConfig } from "./runtime/launch";
export { type CompileInfo, Module } from "./runtime/module";
export { type OpenOptions, open } from "./runtime/open";
export type { KernelArg, StructArg } from "./runtime/pack";
export type { KernelLaunch } from "./runtime/replay";
export { type Param, type Signature, SourceReader } from "./runtime/signature";
export { Event, Stream } from "./runtime/stream";
export { type NestedArray, Tensor, type TensorData } from "./runtime/tensor";
export { TensorMap, type TensorMapOptions, tensorMap } from "./runtime/tensorMap";
export {
  type BlockUse,
  type CapabilityLimits,
  capabilityLimits,
  theoreticalOccupancy,
} from "./runtime/theoreticalOccupancy";
export { type BarOptions, barPlot } from "./show/bars";
export { changeMarkdown, changeText } from "./show/changes";
export { countedBytes, countsOf } from "./show/counted";
export { insideNotebook, type Showable, show } from "./show/display";
export type { Figure } from "./show/figure";
export * from "./show/format";
export { type HeatmapOptions, heatmap } from "./show/heatmap";
export { showInspection } from "./show/inspection";
export { bankPicture, type SharedRequest } from "./show/lanes/banks";
export { divergencePicture } from "./show/lanes/divergence";
export { type GlobalRequest, requestPicture } from "./show/lanes/request";
export { type LineOptions, linePlot } from "./show/lines";
export { type PlotRequest, plot, plotFigure, table } from "./show/plot";
export { type PlotlyFigure, plotly } from "./show/plotly";
export { recordTable } from "./show/recordTable";
export { type Report, report } from "./show/report/report";
export { type RooflineOptions, rooflinePlot } from "./show/roofline";
export { kernelSource, showSource } from "./show/source";
export {
  type Standee,
  type Standing,
  type StandingOptions,
  type StandingRow,
  standingOf,
} from "./show/standing";
export { standingPlot } from "./show/standingPlot";
export { standingTable } from "./show/standingTable";
export { statisticsView } from "./show/statisticsView";
export { stepPage } from "./show/steps/page";
export type * from "./show/steps/trace";
export { recordsView, type TableView, tableOf } from "./show/table";
export { type ComputeUnit, type GpuFacts, gpuFacts } from "./targets/gpus";
export { type NamedTargets, type TargetFigure, targetDocuments, targetFigures } from "./targets/load";
export type { TargetTable, Work } from "./targets/schema";

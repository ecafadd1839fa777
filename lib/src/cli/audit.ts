import { type Command, Option } from "commander";
import { audit } from "../audit/audit";
import { auditView } from "../audit/auditView";
import { auditRule } from "../audit/limits";
import { recordedLaunch } from "../bench/launchOverhead";
import { loadRuns } from "../record/store";
import { targetDocuments } from "../targets/load";
import { print } from "./output";

interface AuditCommand {
  readonly json?: boolean;
  readonly verdict?: "possible" | "tight" | "impossible";
}

/** `lab audit`: every published figure of data/targets against the chip it names. */
export function addAudit(lab: Command): void {
  lab
    .command("audit")
    .description("hold every published figure of data/targets against the physics of the chip it names")
    .addOption(new Option("--verdict <verdict>", "only these").choices(["possible", "tight", "impossible"]))
    .addHelpText("after", "\nExamples:\n  lab audit\n  lab audit --verdict impossible\n  lab audit --json")
    .action((options: AuditCommand) => {
      const launch = recordedLaunch(loadRuns(undefined, "figures").runs);
      const made = audit(targetDocuments(), launch ? { launch } : {});
      const rows = made.rows.filter((r) => options.verdict === undefined || r.verdict === options.verdict);
      print(options.json, { rule: auditRule, ...made, rows }, () => auditView(made, options).text);
    });
}

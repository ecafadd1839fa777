import type { AttentionCase } from "./attentionCase";
import { hopperRung } from "./attentionRungs";
import type { Variant } from "./variant";

/** The rungs on Hopper's TMA and wgmma, in order. */
export const hopperRungs: ReadonlyArray<Variant<AttentionCase>> = [
  hopperRung(
    "12_refined",
    {
      title: "persistent, everything overlapped",
      idea: "TMA, tensor cores and exponentials of neighbouring tiles run at the same time.",
      parameters: (_, c) => {
        // The fastest of the sweeps on an H200.
        if (c.headDim === 64) return { WARPGROUPS: c.causal ? 2 : 3, BN: 128, STAGES: 2, QUERY_STAGES: 2 };
        if (c.headDim === 128) return { WARPGROUPS: 2, BN: 128, STAGES: 2, QUERY_STAGES: 2 };
        return { WARPGROUPS: 2, BN: 80, STAGES: 2, QUERY_STAGES: 1 };
      },
      axes: () => ({
        WARPGROUPS: [2, 3],
        BN: [64, 80, 96, 128, 176, 192],
        STAGES: [2, 3],
        QUERY_STAGES: [1, 2],
      }),
      needs: (_, c, p) => {
        const [groups, bn] = [Number(p.WARPGROUPS), Number(p.BN)];
        // Scores, half as many packed weights, and outputs of a thread, beside some 24 for the rest.
        const registers = (bn * 3) / 4 + c.headDim / 2;
        const most = groups === 3 ? 136 : 216;
        return registers <= most ? null : `${registers} registers of tiles a thread, ${most} at most`;
      },
    },
    ["WARPGROUPS", "BN", "STAGES", "CAUSAL", "QUERY_STAGES"],
  ),
];

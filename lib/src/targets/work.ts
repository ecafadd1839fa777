import type { Work } from "./schema";

/** The least that a piece of work takes of any chip. */
export interface Cost {
  readonly flops: number;
  /** Bytes that must cross the memory bus: every input read once, every result written once. */
  readonly bytes: number;
  /** Bytes that must lie in memory at the same time. */
  readonly resident: number;
  readonly residentText?: string;
  /** Where the FLOPs and the bytes come from, in words. */
  readonly flopsText: string;
  readonly bytesText: string;
}

/**
 * Counts what a piece of work costs at least.
 *
 * @param elementBytes bytes of an element of activations and weights
 * @param causal count half of attention's scores, as the documents do not say; never where they are held in memory
 * @example costOf({ op: "gemm", m: 8192, n: 11008, k: 4096 }, 2).flops // 7.39e11
 */
export function costOf(work: Work, elementBytes: number, causal = true): Cost {
  switch (work.op) {
    case "attention":
      return attention(work, elementBytes, causal);
    case "ffn": {
      const { tokens, hidden, inner, matmuls } = work;
      const weights = matmuls * hidden * inner;
      return dense(tokens, weights, `${matmuls} matrices of ${hidden} x ${inner}`, 2 * hidden, elementBytes);
    }
    case "layer": {
      const { batch, seq, hidden, heads, inner, matmuls } = work;
      const scores = attention(
        { op: "attention", batch, seq, heads, dim: hidden / heads },
        elementBytes,
        causal,
      );
      const weights = 4 * hidden ** 2 + matmuls * hidden * inner;
      const words = `projections 4 x ${hidden}^2, ${matmuls} matrices of ${hidden} x ${inner}`;
      return withAttention(
        dense(batch * seq, weights, words, 2 * hidden, elementBytes),
        scores.flops,
        causal,
      );
    }
    case "moe": {
      const { tokens, hidden, inner, experts, topK } = work;
      const chosen = tokens * topK;
      const weights = 2 * Math.min(experts, chosen) * hidden * inner;
      const flops = 2 * chosen * 2 * hidden * inner;
      const bytes = (weights + 2 * tokens * hidden) * elementBytes;
      return {
        flops,
        bytes,
        resident: bytes,
        flopsText: `2 x ${chosen} rows x 2 matrices of ${hidden} x ${inner}`,
        bytesText: `${experts} experts' weights once`,
      };
    }
    case "gemm": {
      const { m, n, k } = work;
      const bytes = (m * k + k * n + m * n) * elementBytes;
      return {
        flops: 2 * m * n * k,
        bytes,
        resident: bytes,
        flopsText: `2 x ${m} x ${n} x ${k}`,
        bytesText: "both operands and the result once",
      };
    }
    case "forward": {
      const { layers, hidden, heads, batch, seq } = work;
      const scores = attention(
        { op: "attention", batch, seq, heads, dim: hidden / heads },
        elementBytes,
        causal,
      );
      const weights = 12 * layers * hidden ** 2;
      const words = `${layers} layers x 12 x ${hidden}^2 weights`;
      return withAttention(
        dense(batch * seq, weights, words, 2 * hidden, elementBytes),
        layers * scores.flops,
        causal,
      );
    }
    case "prefill":
      return {
        ...model(work.parameters, work.bytes),
        flops: 2 * work.parameters * work.tokens,
        flopsText: `2 x ${short(work.parameters)} parameters x ${work.tokens} tokens`,
      };
    case "decode": {
      const once = model(work.parameters, work.bytes);
      return {
        ...once,
        bytes: once.bytes * work.tokens,
        flops: 2 * work.parameters * work.tokens,
        flopsText: `2 x ${short(work.parameters)} parameters x ${work.tokens} tokens`,
        bytesText: `${once.bytesText}${work.tokens > 1 ? ` for each of ${work.tokens} tokens` : ""}`,
      };
    }
    case "load":
    case "weights":
      return model(work.parameters, work.bytes);
    case "launch":
      return { flops: 0, bytes: 0, resident: 0, flopsText: "", bytesText: "" };
  }
}

/** Tokens that one run of the work answers; 0 where it has none. */
export function tokensOf(work: Work): number {
  switch (work.op) {
    case "ffn":
    case "moe":
    case "prefill":
    case "decode":
      return work.tokens;
    case "layer":
    case "forward":
    case "attention":
      return work.batch * work.seq;
    default:
      return 0;
  }
}

function attention(work: Extract<Work, { op: "attention" }>, elementBytes: number, causal: boolean): Cost {
  const { batch, seq, heads, dim, materialised } = work;
  const full = 4 * batch * heads * seq ** 2 * dim;
  const operands = 4 * batch * seq * heads * dim * elementBytes;
  const words = `4 x ${batch} x ${heads} x ${seq}^2 x ${dim}`;
  if (materialised) {
    const scores = batch * heads * seq ** 2 * elementBytes;
    return {
      flops: full,
      bytes: operands + 4 * scores,
      resident: operands + scores,
      flopsText: words,
      residentText: `Q, K, V, the output and one copy of the ${batch} x ${heads} x ${seq}^2 scores`,
      bytesText: `the ${batch} x ${heads} x ${seq}^2 scores written and read twice (before and after softmax)`,
    };
  }
  return {
    flops: causal ? full / 2 : full,
    bytes: operands,
    resident: operands,
    flopsText: causal ? `${words} / 2, causal` : words,
    bytesText: "Q, K, V and the output once",
  };
}

function dense(
  tokens: number,
  weights: number,
  words: string,
  rowElements: number,
  elementBytes: number,
): Cost {
  const bytes = (weights + tokens * rowElements) * elementBytes;
  return {
    flops: 2 * tokens * weights,
    bytes,
    resident: bytes,
    flopsText: `2 x ${tokens} tokens x ${words}`,
    bytesText: `${short(weights)} weights of ${elementBytes} bytes once`,
  };
}

function withAttention(cost: Cost, flops: number, causal: boolean): Cost {
  return {
    ...cost,
    flops: cost.flops + flops,
    flopsText: `${cost.flopsText}, and ${causal ? "causal " : ""}attention`,
  };
}

function model(parameters: number, bytes: number): Cost {
  const weights = parameters * bytes;
  return {
    flops: 0,
    bytes: weights,
    resident: weights,
    flopsText: "",
    bytesText: `${short(parameters)} parameters of ${bytes} bytes`,
  };
}

function short(value: number): string {
  return value >= 1e9
    ? `${Number((value / 1e9).toPrecision(4))} G`
    : `${Number((value / 1e6).toPrecision(4))} M`;
}

"""The cases: softmax, matmul, mixture of experts, attention, each with a check against float64."""

import math

import torch
import torch.nn.functional as F

OUTLIERS = (0.001, 16.0)
DISTRIBUTION = "normal with 0.1% outliers x16"
DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
UNITS = {"f32": "fp32", "tf32": "tf32", "f16": "fp16", "bf16": "bf16"}


def case(suite, name, dtype, **params):
    return {"suite": suite, "name": name, "params": params, "dtype": dtype, "distribution": DISTRIBUTION}


def implementation(name, **parameters):
    return {"id": f"torch/{name.replace(' ', '-')}", "name": f"torch {name}", "kind": "baseline",
            "parameters": parameters, "sourceHash": None}


def data(shape, dtype, device, seed=1, scale=1.0, outliers=OUTLIERS):
    """Normal values, some of them larger: unless said otherwise a thousandth, sixteen times as large."""
    generator = torch.Generator(device=device).manual_seed(seed)
    x = torch.randn(shape, generator=generator, device=device, dtype=dtype)
    flat = x.view(-1)
    count = max(1, int(flat.numel() * outliers[0]))
    at = torch.randint(flat.numel(), (count,), generator=generator, device=device)
    flat[at] *= outliers[1]
    return x.mul_(scale)


def close_to(reference, rtol, atol):
    """A check of part of an output against a float64 reference of the same part."""
    def check(output):
        want, part = reference(output)
        got = part.double()
        error = (got - want).abs()
        passed = bool(torch.isfinite(got).all()) and bool((error <= atol + rtol * want.abs()).all())
        max_rel = (error / want.abs().clamp_min(atol)).max().item()
        finite = lambda v: v if math.isfinite(v) else None
        return passed, finite(error.max().item()), finite(max_rel), f"atol {atol:g} rtol {rtol:g}", want.numel()
    return check


def softmax_cases(run, device, shapes):
    for rows, cols, dtype in shapes:
        x = data((rows, cols), DTYPES[dtype], device)
        rtol = 1e-5 if dtype == "f32" else 5e-3
        check = close_to(lambda out: (torch.softmax(x[:64].double(), -1), out[:64]), rtol, 1e-6)
        c = case("softmax", f"{rows}x{cols}", dtype, rows=rows, cols=cols)
        moved = 2 * x.numel() * x.element_size()
        run.measure(c, implementation("eager"), lambda: lambda: torch.softmax(x, -1), check, bytes=moved)
        run.measure(c, implementation("compiled"),
                    lambda: compiled(lambda v: torch.softmax(v, -1), x), check, bytes=moved)


def compiled(function, *args):
    torch._dynamo.reset()
    fast = torch.compile(function, dynamic=False)
    fast(*args)
    return lambda: fast(*args)


def matmul_cases(run, device, shapes, dtypes):
    for m, n, k in shapes:
        for dtype in dtypes:
            storage = DTYPES.get(dtype, torch.float32)
            a, b = data((m, k), storage, device, 1), data((k, n), storage, device, 2)
            tolerance = {"f32": 1e-4, "tf32": 2e-2, "f16": 1e-2, "bf16": 5e-2}[dtype]
            scale = math.sqrt(k)

            def reference(out):
                return a[:16].double() @ b[:, :256].double(), out[:16, :256]

            def build():
                torch.backends.cuda.matmul.allow_tf32 = dtype == "tf32"
                return lambda: a @ b

            run.measure(case("matmul", f"{m}x{n}x{k}", dtype, m=m, n=n, k=k), implementation("matmul"), build,
                        close_to(reference, tolerance, tolerance * scale),
                        bytes=(m * k + k * n + m * n) * a.element_size(), flops=2 * m * n * k, unit=UNITS[dtype])
    torch.backends.cuda.matmul.allow_tf32 = False


def moe_cases(run, device, shapes, dtype):
    from_dtype = DTYPES[dtype]
    for tokens, hidden, inner, experts, top in shapes:
        try:
            x = data((tokens, hidden), from_dtype, device, 1)
            up = data((experts, hidden, inner), from_dtype, device, 2, 1 / math.sqrt(hidden))
            down = data((experts, inner, hidden), from_dtype, device, 3, 1 / math.sqrt(inner))
            router = data((hidden, experts), from_dtype, device, 4, 1 / math.sqrt(hidden))
        except Exception as error:
            for name in ("expert loop", "grouped", "grouped compiled"):
                run.fail(case("moe", f"{tokens} tokens, uniform", dtype, tokens=tokens), implementation(name), "failed", str(error)[:200])
            continue

        def route(x):
            weights, chosen = torch.softmax((x @ router).float(), -1).topk(top, -1)
            return weights / weights.sum(-1, keepdim=True), chosen

        def loop(x):
            weights, chosen = route(x)
            out = torch.zeros(x.shape, dtype=torch.float32, device=x.device)
            for e in range(experts):
                token, slot = torch.where(chosen == e)
                y = F.gelu(x[token] @ up[e], approximate="tanh") @ down[e]
                out.index_add_(0, token, y.float() * weights[token, slot, None])
            return out.to(x.dtype)

        def grouped(x):
            weights, chosen = route(x)
            order = chosen.flatten().argsort(stable=True)
            ends = torch.bincount(chosen.flatten(), minlength=experts).cumsum(0).to(torch.int32)
            h = torch._grouped_mm(x[order // top], up, offs=ends)
            y = torch._grouped_mm(F.gelu(h, approximate="tanh"), down, offs=ends)
            slots = torch.empty_like(y)
            slots[order] = y
            return (slots.view(-1, top, hidden).float() * weights[..., None]).sum(1).to(x.dtype)

        def reference(out):
            weights, chosen = route(x)
            rows = []
            for t in range(min(8, tokens)):
                rows.append(sum(weights[t, s].double() * (F.gelu(x[t].double() @ up[e].double(), approximate="tanh")
                                @ down[e].double()) for s, e in enumerate(chosen[t].tolist())))
            return torch.stack(rows), out[:len(rows)]

        check = close_to(reference, 5e-2, 2e-1)
        c = case("moe", f"{tokens} tokens, uniform", dtype, tokens=tokens, dim=hidden, hidden=inner, experts=experts, k=top)
        # As the lab's own records of the layer have it: a random router on random rows spreads tokens evenly.
        c["params"].update(dtype=dtype, what="uniform")
        flops = 4 * tokens * top * hidden * inner
        moved = (up.numel() + down.numel() + 2 * x.numel()) * x.element_size()
        options = dict(check=check, bytes=moved, flops=flops, unit=UNITS[dtype])
        run.measure(c, implementation("expert loop"), lambda: lambda: loop(x), **options)
        if hasattr(torch, "_grouped_mm"):
            run.measure(c, implementation("grouped"), lambda: lambda: grouped(x), **options)
            run.measure(c, implementation("grouped compiled"), lambda: compiled(grouped, x), **options)
        else:
            run.fail(c, implementation("grouped"), "skipped", f"torch {torch.__version__} has no torch._grouped_mm")
        del x, up, down, router


def attention_cases(run, device, shapes, dtype):
    from torch.nn.attention import SDPBackend, sdpa_kernel
    routes = {"flash": SDPBackend.FLASH_ATTENTION, "efficient": SDPBackend.EFFICIENT_ATTENTION,
              "cuDNN": SDPBackend.CUDNN_ATTENTION}
    for name, batch, seq, heads, dim in shapes:
        for causal in (False, True):
            q, k, v = (data((batch, heads, seq, dim), DTYPES[dtype], device, s) for s in (1, 2, 3))

            def naive():
                scores = (q @ k.transpose(-1, -2)) * (1 / math.sqrt(dim))
                if causal:
                    scores = scores.masked_fill(mask, float("-inf"))
                return torch.softmax(scores, -1) @ v

            mask = torch.ones(seq, seq, dtype=torch.bool, device=device).triu(1)

            def reference(out):
                rows = min(64, seq)
                scores = q[0, 0, -rows:].double() @ k[0, 0].double().T / math.sqrt(dim)
                if causal:
                    scores = scores.masked_fill(mask[-rows:], float("-inf"))
                return torch.softmax(scores, -1) @ v[0, 0].double(), out[0, 0, -rows:]

            check = close_to(reference, 2e-2, 2e-2)
            c = case("attention", f"{name}{' causal' if causal else ''}", dtype,
                     batch=batch, seq=seq, heads=heads, dim=dim, causal=causal)
            flops = 4 * batch * heads * seq * seq * dim // (2 if causal else 1)
            options = dict(check=check, bytes=4 * q.numel() * q.element_size(), flops=flops, unit=UNITS[dtype])
            # The naive route rounds its scores to the dtype before the softmax: a score of 32 in f16 is known to 1.6%.
            run.measure(c, implementation("naive"), lambda: naive, **{**options, "check": close_to(reference, 6e-2, 6e-2)})
            for route, backend in routes.items():
                def build(backend=backend):
                    def work():
                        with sdpa_kernel(backend):
                            return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
                    return work
                run.measure(c, implementation(route), build, **options)
            del q, k, v, mask

"""What Fovea computes, beside the same in PyTorch, on the same processor with as many threads, in one run.

    python -m venv ENV && ENV/bin/pip install torch
    ENV/bin/python benches/pytorch.py                      # all of it
    ENV/bin/python benches/pytorch.py step edema/unet      # one of it

Each line is of one piece of work: a forward pass of a slice (`forward`), a training step (`step`), a forward pass of a
volume (`volume`). The two programs take turns, each time in a fresh process, so that the peak memory is of that work
alone and a noisy neighbour troubles both; the medians of the rounds are printed with their ratio (above 1: Fovea is the
slower, or the larger). The weights are random. The networks are written here from their published descriptions, and their
numbers of parameters are checked. Fovea's side is `cargo bench --bench predict|train|volume -- --one NETWORK`.
"""

import os
import resource
import statistics
import subprocess
import sys
import time

ROUNDS = 3
PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# work, network: parameters, shape of the input. polyp/unet is `base_channel` 64 in `predict` (the default) and 32 in `train`.
WORK = {
    ("forward", "edema/unet"): (2_466_151, (1, 3, 512, 512)),
    ("forward", "vessel/sa_unet"): (537_299, (1, 3, 512, 512)),
    ("forward", "polyp/unet"): (34_521_216, (1, 3, 512, 512)),
    ("step", "edema/unet"): (2_466_151, (2, 3, 256, 256)),
    ("step", "polyp/unet"): (8_634_432, (2, 3, 256, 256)),
    ("volume", "flare/unet"): (2_676_480, (1, 1, 160, 160, 160)),
    ("volume", "flare/efficientsegnet"): (9_366_016, (1, 1, 192, 192, 192)),
}
# The bench of Fovea, the column of its time (the last column is the peak memory), and the column's unit in seconds.
BENCH = {"forward": ("predict", 2, 1e-3), "step": ("train", 1, 1e-3), "volume": ("volume", 2, 1.0)}


def networks():
    """The builders; inside a function, so that the parent process needs no PyTorch."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    def cbr(a, b, bias, **norm):
        return nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=bias), nn.BatchNorm2d(b, **norm), nn.ReLU(True))

    class EdemaUnet(nn.Module):
        def __init__(self, f=(16, 32, 64, 128, 256), classes=4):
            super().__init__()
            ins = (3, *f)
            self.down = nn.ModuleList(
                nn.Sequential(cbr(a, b, True), cbr(b, b, True)) for a, b in zip(ins, f))
            self.cls = nn.Sequential(nn.Dropout(0.5), nn.Conv2d(f[4], 3, 1), nn.AdaptiveMaxPool2d(1), nn.Sigmoid())
            self.up = nn.ModuleList(nn.ConvTranspose2d(f[i + 1], f[i], 4, 2, 1) for i in range(4))
            self.conv = nn.ModuleList(
                nn.Sequential(nn.Conv2d(f[i + 1], f[i], 3, padding=1), nn.ReLU(True),
                              nn.Conv2d(f[i], f[i], 3, padding=1), nn.ReLU(True)) for i in range(4))
            self.final = nn.Conv2d(f[0], classes, 1)

        def forward(self, x):
            skips = []
            for i, block in enumerate(self.down):
                x = block(x if i == 0 else F.max_pool2d(x, 2))
                skips.append(x)
            found = self.cls(x).flatten(1)
            for i in (3, 2, 1, 0):
                x = self.conv[i](torch.cat([self.up[i](x), skips[i]], 1))
            return F.log_softmax(self.final(x), 1), found

        def loss(self, outputs, target):
            """The published `mix_3`: weighted cross-entropy, Dice, findings."""
            log_p, found = outputs
            weights = torch.tensor([1.0, 5.0, 10.0, 20.0])
            p = log_p.exp()
            truth = F.one_hot(target, 4).movedim(3, 1).float()
            dice = 2 * (p * truth).sum((0, 2, 3)) / (p.sum((0, 2, 3)) + truth.sum((0, 2, 3)))
            present = truth.amax((2, 3))[:, 1:]
            return (F.nll_loss(log_p, target, weights) + 1 - dice[1:].mean()
                    + F.binary_cross_entropy(found, present))

    class PolypUnet(nn.Module):
        def __init__(self, b=32, classes=2):
            super().__init__()
            c = [b, 2 * b, 4 * b, 8 * b, 16 * b]
            pair = lambda i, o: nn.Sequential(cbr(i, o, False), cbr(o, o, False))
            self.down = nn.ModuleList(pair(i, o) for i, o in zip((3, *c), c))
            self.up = nn.ModuleList(
                nn.Sequential(nn.ConvTranspose2d(c[i + 1], c[i], 3, 2, 1, 1), nn.BatchNorm2d(c[i]), nn.ReLU(True))
                for i in range(4))
            self.conv = nn.ModuleList(pair(c[i + 1], c[i]) for i in range(4))
            self.head = nn.Conv2d(b, classes, 1, bias=False)

        def forward(self, x):
            skips = []
            for i, block in enumerate(self.down):
                x = block(x if i == 0 else F.max_pool2d(x, 3, 2, 1))
                skips.append(x)
            for i in (3, 2, 1, 0):
                x = self.conv[i](torch.cat([self.up[i](x), skips[i]], 1))
            return self.head(x)

        def loss(self, logits, target):
            return F.cross_entropy(logits, target)

    class SaUnet(nn.Module):
        def __init__(self, n=16):
            super().__init__()
            unit = lambda i, o: cbr(i, o, True, eps=1e-3, momentum=0.01)
            pair = lambda i, o: nn.Sequential(unit(i, o), unit(o, o))
            self.down = nn.ModuleList([pair(3, n), pair(n, 2 * n), pair(2 * n, 4 * n)])
            self.enter, self.leave = unit(4 * n, 8 * n), unit(8 * n, 8 * n)
            self.attention = nn.Conv2d(2, 1, 7, padding=3, bias=False)
            c = [n, 2 * n, 4 * n, 8 * n]
            self.up = nn.ModuleList(nn.ConvTranspose2d(c[i + 1], c[i], 3, 2) for i in range(3))
            self.conv = nn.ModuleList(pair(c[i + 1], c[i]) for i in range(3))
            self.head = nn.Conv2d(n, 1, 1)

        def forward(self, x):
            skips = []
            for block in self.down:
                skips.append(block(x))
                x = F.max_pool2d(skips[-1], 2)
            x = self.enter(x)
            gate = torch.cat([x.mean(1, True), x.amax(1, True)], 1)
            x = self.leave(x * torch.sigmoid(self.attention(gate)))
            for i in (2, 1, 0):
                x = self.conv[i](torch.cat([self.up[i](x)[..., :-1, :-1], skips[i]], 1))
            return torch.sigmoid(self.head(x))

    def conv(i, o, k, stride=1):
        k = (k,) * 3 if isinstance(k, int) else k
        return nn.Conv3d(i, o, k, stride, tuple(n // 2 for n in k), bias=False)

    def conv_in(i, o, k, stride=1):
        return nn.Sequential(conv(i, o, k, stride), nn.InstanceNorm3d(o))

    def conv_in_relu(i, o, k, stride=1):
        return nn.Sequential(conv(i, o, k, stride), nn.InstanceNorm3d(o), nn.Dropout3d(0.2), nn.ReLU(True))

    def up_to(x, size):
        return F.interpolate(x, size=size, mode="trilinear", align_corners=True)

    class Residual(nn.Module):
        def __init__(self, main, shortcut):
            super().__init__()
            self.main, self.shortcut = main, shortcut

        def forward(self, x):
            return F.relu(self.main(x) + (self.shortcut(x) if self.shortcut is not None else x))

    def res_base(i, o, stride=1, identity=False):
        return Residual(nn.Sequential(conv_in_relu(i, o, 3, stride), conv_in(o, o, 3)),
                        None if identity else conv_in(i, o, 1, stride))

    def anisotropic(i, o):
        return Residual(nn.Sequential(conv_in_relu(i, o, (3, 3, 1)), conv_in(o, o, (1, 1, 3))), conv_in(i, o, 1))

    def res_two(i, o):
        return Residual(nn.Sequential(conv_in_relu(i, o, 3), conv_in(o, o, 3)), conv_in(i, o, 1))

    def res_four(i, o):
        return nn.Sequential(
            Residual(nn.Sequential(conv_in_relu(i, o, 3), conv_in(o, o, 3)), conv_in(i, o, 1)),
            Residual(nn.Sequential(conv_in_relu(o, o, 3), conv_in(o, o, 3)), None))

    class Coarse(nn.Module):
        def __init__(self, c=(8, 16, 32, 64, 128), classes=4):
            super().__init__()
            self.down = nn.ModuleList(res_four(i, o) for i, o in zip((1, *c), c))
            self.conv = nn.ModuleList(res_two(c[i] + c[i + 1], c[i]) for i in range(4))
            self.final = nn.Conv3d(c[0], classes, 1, bias=False)

        def forward(self, x):
            skips = []
            for i, block in enumerate(self.down):
                x = block(x if i == 0 else F.max_pool3d(x, 3, 2, 1))
                skips.append(x)
            for i in (3, 2, 1, 0):
                x = self.conv[i](torch.cat([skips[i], up_to(x, skips[i].shape[2:])], 1))
            return self.final(x)

    class Context(nn.Module):
        def __init__(self, c, kernel):
            super().__init__()
            i, self.kernel = c // 4, kernel
            self.trans = conv_in_relu(c, i, 1)
            self.x1, self.x2 = conv_in_relu(i, i, 1), conv_in_relu(i, i, 1)
            self.pyramid = nn.ModuleList(conv_in(i, i, 3) for _ in range(3))
            self.strips = nn.ModuleList(conv_in(i, i, k) for k in ((3, 1, 1), (1, 3, 1), (1, 1, 3)))
            self.out1, self.out2 = conv_in_relu(i, i, 3), conv_in_relu(i, i, 3)
            self.join = conv_in(2 * i, i, 1)
            self.score = nn.Sequential(conv_in_relu(i, i, 3), conv(i, c, 1))

        def forward(self, x):
            size, k = x.shape[2:], self.kernel
            x = self.trans(x)
            a = self.x1(x)
            parts = [self.pyramid[0](a)]
            parts += [up_to(p(F.avg_pool3d(a, n)), size) for p, n in zip(self.pyramid[1:], (2, 4))]
            out1 = self.out1(F.relu(parts[0] + parts[1] + parts[2]))
            a = self.x2(x)
            pools = ((1, k, k), (k, 1, k), (k, k, 1))
            d, e, f = (up_to(s(F.avg_pool3d(a, p)), size) for s, p in zip(self.strips, pools))
            out2 = self.out2(F.relu(d + e + f))
            return self.score(F.relu(x + self.join(torch.cat([out1, out2], 1))))

    class Fine(nn.Module):
        def __init__(self, c=(16, 32, 64, 128, 256), classes=4, side=192):
            super().__init__()
            self.down = nn.ModuleList(
                nn.Sequential(res_base(i, o, 1 if n == 0 else 2), res_base(o, o, identity=True))
                for n, (i, o) in enumerate(zip((1, *c), c)))
            self.context = Context(c[4], side // 16)
            self.trans = nn.ModuleList(conv_in_relu(c[i + 1], c[i], 1) for i in range(4))
            self.conv = nn.ModuleList(anisotropic(c[i], c[i]) for i in range(4))
            self.final = nn.Conv3d(c[0], classes, 1, bias=False)

        def forward(self, x):
            skips = []
            for block in self.down:
                x = block(x)
                skips.append(x)
            x = self.context(x)
            for i in (3, 2, 1, 0):
                x = self.conv[i](up_to(self.trans[i](x), skips[i].shape[2:]) + skips[i])
            return self.final(x)

    return {
        "edema/unet": EdemaUnet,
        "polyp/unet": PolypUnet,
        "vessel/sa_unet": SaUnet,
        "flare/unet": Coarse,
        "flare/efficientsegnet": Fine,
    }


def pytorch(work, network):
    """Seconds and peak MiB of PyTorch, in this process."""
    import torch
    from torch.nn import functional as F

    torch.manual_seed(0)
    parameters, shape = WORK[work, network]
    options = {"b": 64} if (work, network) == ("forward", "polyp/unet") else {}
    model = networks()[network](**options)
    count = sum(p.numel() for p in model.parameters())
    assert count == parameters, f"{network} has {count} parameters for {parameters}"
    x = torch.rand(shape)
    if work == "step":
        model.train()
        classes = 4 if network == "edema/unet" else 2
        target = (torch.rand(shape[0], *shape[2:]) * classes).long()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

        def run():
            optimizer.zero_grad()
            model.loss(model(x), target).backward()
            optimizer.step()
    else:
        model.eval()

        def run():
            with torch.no_grad():
                model(x)

    # As the benches of Fovea do: the median after a warm-up; of a volume the faster of two.
    times = []
    runs = 2 if work == "volume" else 10
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
        if sum(times) > 10 and len(times) > 2:
            break
    seconds = min(times) if work == "volume" else statistics.median(times[1:])
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fovea(work, network):
    """Seconds and peak MiB of Fovea, in a process of its own."""
    bench, column, unit = BENCH[work]
    command = ["cargo", "bench", "-q", "--bench", bench, "--", "--one", network]
    output = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    row = output.splitlines()[-1].split(",")
    return float(row[column]) * unit, float(row[-1])


def main():
    asked = sys.argv[1:]
    if asked[:1] == ["--one"]:
        print(*pytorch(*asked[1:]))
        return
    print("work,network,fovea_s,pytorch_s,ratio,fovea_mib,pytorch_mib,ratio_mib", flush=True)
    for work, network in WORK:
        if any(word not in (work, network) for word in asked):
            continue
        rounds = []
        for _ in range(ROUNDS):
            ours = fovea(work, network)
            command = [sys.executable, __file__, "--one", work, network]
            theirs = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            rounds.append((*ours, *map(float, theirs)))
        a, a_mib, b, b_mib = (statistics.median(column) for column in zip(*rounds))
        print(f"{work},{network},{a:.3f},{b:.3f},{a / b:.2f},{a_mib:.0f},{b_mib:.0f},{a_mib / b_mib:.2f}", flush=True)


if __name__ == "__main__":
    main()

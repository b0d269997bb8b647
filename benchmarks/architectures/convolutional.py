"""Convolutional networks as their users write them: classification, segmentation, detection."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from case import Case, Subject
from samples import labels, pictures, written
from torch import Tensor, nn


def classified(model: nn.Module, size: int = 32) -> Subject:
    """The network on photographs that are told apart."""
    return model, (pictures(16, size), labels()), F.cross_entropy


def segmented(model: nn.Module, size: int = 32) -> Subject:
    """The network on photographs whose bright parts it is to find."""
    x = pictures(8, size)
    return model, (x, (x.mean(1) > 0).long()), F.cross_entropy


def conv_norm(
    n: int, m: int, kernel: int = 3, stride: int = 1, groups: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU."""
    conv = nn.Conv2d(n, m, kernel, stride, dilation * (kernel // 2), dilation, groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(m), nn.ReLU(inplace=True))


class VGG(nn.Sequential):
    """Plain convolutions by two, pooling, and a classifier with dropout."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        n = 3
        for m in (16, 32, 64):
            layers += [
                nn.Conv2d(n, m, 3, padding=1),
                nn.ReLU(True),
                nn.Conv2d(m, m, 3, padding=1),
                nn.ReLU(True),
            ]
            layers += [nn.MaxPool2d(2)]
            n = m
        head = [nn.Linear(1024, 128), nn.ReLU(True), nn.Dropout(), nn.Linear(128, 10)]
        super().__init__(*layers, nn.Flatten(), *head)


class UNet(nn.Module):
    """Double convolutions, three levels, transposed convolutions up, concatenations."""

    def __init__(self, width: int = 16, classes: int = 2) -> None:
        super().__init__()

        def double(n: int, m: int) -> nn.Sequential:
            return nn.Sequential(conv_norm(n, m), conv_norm(m, m))

        w = width
        self.down = nn.ModuleList([double(3, w), double(w, 2 * w), double(2 * w, 4 * w)])
        self.up = nn.ModuleList([nn.ConvTranspose2d(4 * w, 2 * w, 2, 2), nn.ConvTranspose2d(2 * w, w, 2, 2)])
        self.join = nn.ModuleList([double(4 * w, 2 * w), double(2 * w, w)])
        self.out = nn.Conv2d(w, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for i, block in enumerate(self.down):
            x = block(x if i == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        skips.pop()
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([skips.pop(), up(x)], 1))
        return self.out(x)


class DeepLab(nn.Module):
    """Atrous spatial pyramid pooling with a branch of image statistics, and bilinear upsampling."""

    def __init__(self, width: int = 16, classes: int = 2) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv_norm(3, width, stride=2), conv_norm(width, 2 * width, stride=2))
        self.branches = nn.ModuleList(
            [conv_norm(2 * width, width, 1), *(conv_norm(2 * width, width, 3, dilation=d) for d in (2, 4, 6))]
        )
        self.image = nn.Sequential(nn.AdaptiveAvgPool2d(1), conv_norm(2 * width, width, 1))
        self.project = nn.Sequential(conv_norm(5 * width, width, 1), nn.Dropout(0.5))
        self.out = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x)
        whole = F.interpolate(self.image(h), size=h.shape[-2:], mode="bilinear", align_corners=False)
        h = self.project(torch.cat([*(b(h) for b in self.branches), whole], 1))
        return F.interpolate(self.out(h), size=x.shape[-2:], mode="bilinear", align_corners=False)


class Detector(nn.Module):
    """A pyramid of features with an anchor head shared by its levels, and a focal-style loss."""

    def __init__(self, width: int = 16, anchors: int = 3, classes: int = 4) -> None:
        super().__init__()
        self.classes = classes
        self.stem = conv_norm(3, width, stride=2)
        self.stages = nn.ModuleList(conv_norm(width * 2**i, width * 2 ** (i + 1), stride=2) for i in range(3))
        self.lateral = nn.ModuleList(nn.Conv2d(width * 2 ** (i + 1), 32, 1) for i in range(3))
        self.smooth = nn.ModuleList(nn.Conv2d(32, 32, 3, padding=1) for _ in range(3))
        self.tower = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.GroupNorm(4, 32), nn.ReLU())
        self.scores = nn.Conv2d(32, anchors * classes, 3, padding=1)
        self.boxes = nn.Conv2d(32, anchors * 4, 3, padding=1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x, maps = self.stem(x), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        maps = [lateral(m) for lateral, m in zip(self.lateral, maps, strict=True)]
        for i in (1, 0):
            maps[i] = maps[i] + F.interpolate(maps[i + 1], scale_factor=2, mode="nearest")
        found: dict[str, list[Tensor]] = {"scores": [], "boxes": []}
        for smooth, m in zip(self.smooth, maps, strict=True):
            h = self.tower(smooth(m))
            for name, head, size in (("scores", self.scores, self.classes), ("boxes", self.boxes, 4)):
                y = head(h).permute(0, 2, 3, 1)
                found[name].append(y.reshape(len(y), -1, size))
        return {name: torch.cat(parts, 1) for name, parts in found.items()}


def _detection(out: dict[str, Tensor], y: Tensor) -> Tensor:
    wanted = torch.zeros_like(out["scores"])
    wanted[torch.arange(len(y)), torch.arange(len(y)) * 3, y] = 1
    scores = F.binary_cross_entropy_with_logits(out["scores"], wanted)
    return scores + F.smooth_l1_loss(out["boxes"], torch.zeros_like(out["boxes"]))


class DenseNet(nn.Module):
    """Every layer of a block sees those before it."""

    def __init__(self, growth: int = 12, depth: int = 4) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 3, padding=1, bias=False)
        n, parts = 24, []
        for _ in range(2):
            layers = nn.ModuleList()
            for _ in range(depth):
                layers.append(
                    nn.Sequential(
                        nn.BatchNorm2d(n), nn.ReLU(), nn.Conv2d(n, growth, 3, padding=1, bias=False)
                    )
                )
                n += growth
            parts.append(layers)
            parts.append(
                nn.Sequential(
                    nn.BatchNorm2d(n), nn.ReLU(), nn.Conv2d(n, n // 2, 1, bias=False), nn.AvgPool2d(2)
                )
            )
            n //= 2
        self.parts, self.head = nn.ModuleList(parts), nn.Linear(n, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for part in self.parts:
            if isinstance(part, nn.ModuleList):
                features = [x]
                for layer in part:
                    features.append(layer(torch.cat(features, 1)))
                x = torch.cat(features, 1)
            else:
                x = part(x)
        return self.head(x.mean((2, 3)))


class InvertedResidual(nn.Module):
    """Expand, depthwise, squeeze and excite, project."""

    def __init__(self, n: int, m: int, stride: int = 1, factor: int = 4) -> None:
        super().__init__()
        h = n * factor
        self.skip = stride == 1 and n == m
        self.expand = nn.Sequential(nn.Conv2d(n, h, 1, bias=False), nn.BatchNorm2d(h), nn.Hardswish())
        self.depthwise = nn.Sequential(
            nn.Conv2d(h, h, 3, stride, 1, groups=h, bias=False), nn.BatchNorm2d(h), nn.Hardswish()
        )
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(h, h // 4, 1),
            nn.ReLU(),
            nn.Conv2d(h // 4, h, 1),
            nn.Hardsigmoid(),
        )
        self.project = nn.Sequential(nn.Conv2d(h, m, 1, bias=False), nn.BatchNorm2d(m))

    def forward(self, x: Tensor) -> Tensor:
        h = self.depthwise(self.expand(x))
        h = self.project(h * self.gate(h))
        return x + h if self.skip else h


def mobile() -> nn.Module:
    """MobileNetV3-like."""
    blocks = [InvertedResidual(16, 24, 2), InvertedResidual(24, 24), InvertedResidual(24, 40, 2)]
    stem = [nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(40, 10))


class Inception(nn.Module):
    """Branches of several kernels side by side."""

    def __init__(self, n: int, m: int) -> None:
        super().__init__()
        self.one, self.three = conv_norm(n, m, 1), nn.Sequential(conv_norm(n, m, 1), conv_norm(m, m, 3))
        self.five, self.pool = nn.Sequential(conv_norm(n, m, 1), conv_norm(m, m, 5)), conv_norm(n, m, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.pool(F.max_pool2d(x, 3, 1, 1))
        return torch.cat([self.one(x), self.three(x), self.five(x), pooled], 1)


def inception() -> nn.Module:
    """Three inception blocks."""
    blocks = [
        conv_norm(3, 16, stride=2),
        Inception(16, 8),
        nn.MaxPool2d(2),
        Inception(32, 12),
        Inception(48, 16),
    ]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class ShuffleUnit(nn.Module):
    """Half of the channels pass, the other half are worked on, then all are shuffled."""

    def __init__(self, n: int) -> None:
        super().__init__()
        m = n // 2
        self.work = nn.Sequential(
            conv_norm(m, m, 1),
            nn.Conv2d(m, m, 3, padding=1, groups=m, bias=False),
            nn.BatchNorm2d(m),
            conv_norm(m, m, 1),
        )
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, 1)
        return self.shuffle(torch.cat([a, self.work(b)], 1))


class Fusion(nn.Module):
    """Two resolutions that exchange their features (as HRNet does)."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.fine, self.coarse = conv_norm(n, n), conv_norm(2 * n, 2 * n)
        self.down, self.up = conv_norm(n, 2 * n, stride=2), conv_norm(2 * n, n, 1)

    def forward(self, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        a, b = self.fine(x[0]), self.coarse(x[1])
        return a + F.interpolate(self.up(b), size=a.shape[-2:], mode="nearest"), b + self.down(a)


class HighResolution(nn.Module):
    """Two fusions and a head on both resolutions."""

    def __init__(self, n: int = 16) -> None:
        super().__init__()
        self.stem, self.lower = conv_norm(3, n), conv_norm(n, 2 * n, stride=2)
        self.fusions, self.head = nn.ModuleList([Fusion(n), Fusion(n)]), nn.Conv2d(3 * n, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.stem(x)
        pair = (a, self.lower(a))
        for fusion in self.fusions:
            pair = fusion(pair)
        up = F.interpolate(pair[1], scale_factor=2, mode="bilinear", align_corners=True)
        return self.head(torch.cat([pair[0], up], 1))


class StandardisedConv(nn.Conv2d):
    """A convolution whose weights are standardised as it runs."""

    def forward(self, x: Tensor) -> Tensor:
        w = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, w / w.std((1, 2, 3), keepdim=True), self.bias, self.stride, self.padding)


def standardised() -> nn.Module:
    """Weight standardisation with group normalisation."""
    layers: list[nn.Module] = []
    for n, m in ((3, 32), (32, 32), (32, 32)):
        layers += [StandardisedConv(n, m, 3, padding=1), nn.GroupNorm(4, m), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


class Mixer(nn.Module):
    """MLP-Mixer: maps over patches, then over channels."""

    def __init__(self, width: int = 64, patches: int = 16, depth: int = 3) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, width, 8, 8)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 * depth + 1))
        self.across = nn.ModuleList(self._mlp(patches, 32) for _ in range(depth))
        self.within = nn.ModuleList(self._mlp(width, 128) for _ in range(depth))
        self.head = nn.Linear(width, 10)

    @staticmethod
    def _mlp(n: int, h: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(n, h), nn.GELU(), nn.Linear(h, n))

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).flatten(2).mT
        for i, (across, within) in enumerate(zip(self.across, self.within, strict=True)):
            x = x + across(self.norms[2 * i](x).mT).mT
            x = x + within(self.norms[2 * i + 1](x))
        return self.head(self.norms[-1](x).mean(1))


class Volumes(nn.Module):
    """Three-dimensional convolutions with instance normalisation, down and up."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv3d(1, 16, 3, padding=1), nn.InstanceNorm3d(16), nn.LeakyReLU())
        self.deep = nn.Sequential(nn.Conv3d(16, 32, 3, 2, 1), nn.InstanceNorm3d(32), nn.LeakyReLU())
        self.up, self.out = nn.ConvTranspose3d(32, 16, 2, 2), nn.Conv3d(32, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.down(x)
        return self.out(torch.cat([a, self.up(self.deep(a))], 1))


def _volumes() -> Subject:
    x = pictures(6, 16).mean(1, keepdim=True)
    x = torch.stack([x.roll(k, -1) for k in range(8)], 2)
    return Volumes(), (x, (x[:, 0] > 0).long()), F.cross_entropy


class Temporal(nn.Module):
    """Dilated causal convolutions with gates and skips (as WaveNet)."""

    def __init__(self, width: int = 32, depth: int = 4) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, width, 1)
        self.gates = nn.ModuleList(nn.Conv1d(width, 2 * width, 2, dilation=2**i) for i in range(depth))
        self.skips = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in range(depth))
        self.last = nn.Conv1d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x, total = self.first(x), torch.zeros(())
        for i, (gate, skip) in enumerate(zip(self.gates, self.skips, strict=True)):
            a, b = gate(F.pad(x, (2**i, 0))).chunk(2, 1)
            h = skip(torch.tanh(a) * torch.sigmoid(b))
            x, total = x + h, total + h
        return self.last(F.relu(total))


def _temporal() -> Subject:
    from samples import sound

    x = sound(8, 256).unsqueeze(1)
    return Temporal(), (x, x.roll(-1, 2)), F.mse_loss


def _resnet(block: type[nn.Module], **options: Any) -> nn.Module:
    stem = conv_norm(3, 16)
    return nn.Sequential(
        stem, block(16, 16, **options), block(16, 32, 2, **options), block(32, 64, 2, **options),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


class Basic(nn.Module):
    """The block of ResNet-18."""

    def __init__(self, n: int, m: int, stride: int = 1, norm: type[nn.Module] = nn.BatchNorm2d) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(n, m, 3, stride, 1, bias=False), norm(m)
        self.conv2, self.bn2 = nn.Conv2d(m, m, 3, 1, 1, bias=False), norm(m)
        self.skip = (
            nn.Identity() if n == m else nn.Sequential(nn.Conv2d(n, m, 1, stride, bias=False), norm(m))
        )

    def forward(self, x: Tensor) -> Tensor:
        h = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        h += self.skip(x)
        return F.relu(h)


class Wide(nn.Module):
    """Pre-activation, with dropout between the convolutions."""

    def __init__(self, n: int, m: int, stride: int = 1) -> None:
        super().__init__()
        self.bn1, self.bn2, self.drop = nn.BatchNorm2d(n), nn.BatchNorm2d(m), nn.Dropout(0.3)
        self.conv1, self.conv2 = nn.Conv2d(n, m, 3, stride, 1), nn.Conv2d(m, m, 3, 1, 1)
        self.skip = None if n == m else nn.Conv2d(n, m, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.bn1(x))
        shortcut = x if self.skip is None else self.skip(h)
        return shortcut + self.conv2(self.drop(F.relu(self.bn2(self.conv1(h)))))


def _small() -> Subject:
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 3), nn.Tanh(),
        nn.Flatten(), nn.Linear(64, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip
    return net, written(), F.cross_entropy


CASES: tuple[Case, ...] = (
    Case("LeNet", _small),
    Case("VGG", lambda: classified(VGG())),
    Case("ResNet-18 style", lambda: classified(_resnet(Basic))),
    Case("ResNet-18 style, evaluation", lambda: classified(_resnet(Basic).eval())),
    Case("Wide ResNet", lambda: classified(_resnet(Wide))),
    Case("DenseNet", lambda: classified(DenseNet())),
    Case("Inception", lambda: classified(inception())),
    Case("MobileNetV3 style", lambda: classified(mobile())),
    Case(
        "ShuffleNet style",
        lambda: classified(
            nn.Sequential(
                conv_norm(3, 32, stride=2),
                ShuffleUnit(32),
                ShuffleUnit(32),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(32, 10),
            )
        ),
    ),
    Case("Weight standardisation", lambda: classified(standardised())),
    Case("MLP-Mixer", lambda: classified(Mixer())),
    Case("U-Net", lambda: segmented(UNet())),
    Case("DeepLab style", lambda: segmented(DeepLab())),
    Case("HRNet style", lambda: segmented(HighResolution())),
    Case("3-D U-Net", _volumes),
    Case("Anchor detector", lambda: (Detector(), (pictures(8, 64), labels(8, 4)), _detection)),
    Case("WaveNet style", _temporal),
)

"""Networks that generate or represent: autoencoders, GAN, diffusion, flows, fields, operators."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from case import Case, Subject
from samples import pictures, written
from torch import Tensor, nn


class Autoencoder(nn.Module):
    """Convolutions down to a code, transposed ones up again."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU(), nn.Flatten(),
            nn.Linear(2048, 64),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(64, 2048), nn.Unflatten(1, (32, 8, 8)), nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(16, 3, 4, 2, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


class Sampled(NamedTuple):
    """What the variational autoencoder returns."""

    picture: Tensor
    mean: Tensor
    log_variance: Tensor


class Variational(nn.Module):
    """A perceptron VAE with a random latent."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(128, 16), nn.Linear(128, 16)
        self.decoder = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 64), nn.Sigmoid())

    def forward(self, x: Tensor) -> Sampled:
        h = self.encoder(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        return Sampled(self.decoder(z), mean, log_variance)


def _elbo(out: Sampled, y: Tensor) -> Tensor:
    divergence = -0.5 * (1 + out.log_variance - out.mean**2 - out.log_variance.exp()).sum(1).mean()
    return F.mse_loss(out.picture, y, reduction="none").sum(1).mean() + divergence


def _variational() -> Subject:
    x = written()[0]
    return Variational(), (x, (x.flatten(1) > 0).float()), _elbo


class Generator(nn.Sequential):
    """DCGAN: transposed convolutions from a random code, initialised as its authors do."""

    def __init__(self) -> None:
        def up(n: int, m: int, stride: int, padding: int) -> list[nn.Module]:
            return [
                nn.ConvTranspose2d(n, m, 4, stride, padding, bias=False),
                nn.BatchNorm2d(m),
                nn.ReLU(True),
            ]

        last = nn.ConvTranspose2d(16, 3, 4, 2, 1, bias=False)
        super().__init__(*up(64, 64, 1, 0), *up(64, 32, 2, 1), *up(32, 16, 2, 1), last, nn.Tanh())
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d):
                nn.init.normal_(module.weight, 0.0, 0.02)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1.0, 0.02)


class Discriminator(nn.Sequential):
    """DCGAN's other half, with leaky units."""

    def __init__(self) -> None:
        layers: list[nn.Module] = [nn.Conv2d(3, 16, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
        for n, m in ((16, 32), (32, 64)):
            layers += [
                nn.Conv2d(n, m, 4, 2, 1, bias=False),
                nn.BatchNorm2d(m),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        super().__init__(*layers, nn.Conv2d(64, 1, 4, 1, 0, bias=False), nn.Flatten(0))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, 0.02)


class Denoiser(nn.Module):
    """A small diffusion model: time embedding, group normalisation, self-attention in the middle."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.time = nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))
        self.first, self.down = nn.Conv2d(3, width, 3, padding=1), nn.Conv2d(width, width, 3, 2, 1)
        self.norm_1, self.norm_2, self.norm_3 = (nn.GroupNorm(8, width) for _ in range(3))
        self.conv_1, self.conv_2 = (
            nn.Conv2d(width, width, 3, padding=1),
            nn.Conv2d(width, width, 3, padding=1),
        )
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.up, self.out = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(2 * width, 3, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        frequencies = torch.exp(-math.log(1e4) * torch.arange(16) / 16)
        angles = t.unsqueeze(1) * frequencies
        time = self.time(torch.cat([angles.sin(), angles.cos()], 1))[:, :, None, None]
        fine = self.first(x)
        h = self.down(fine)
        h = h + self.conv_2(F.silu(self.norm_2(self.conv_1(F.silu(self.norm_1(h))) + time)))
        tokens = self.norm_3(h).flatten(2).mT
        h = h + self.attention(tokens, tokens, tokens)[0].mT.reshape(h.shape)
        h = self.up(F.interpolate(h, scale_factor=2, mode="nearest"))
        return self.out(torch.cat([h, fine], 1))


def _denoiser() -> Subject:
    noise = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    times = torch.arange(8) * 100
    return Denoiser(), ((pictures(8, 16) + noise, times), noise), F.mse_loss


class Coupling(nn.Module):
    """Affine coupling layers of a normalising flow, with the logarithm of the determinant."""

    def __init__(self, size: int = 64, depth: int = 4) -> None:
        super().__init__()
        half = size // 2
        self.nets = nn.ModuleList(
            nn.Sequential(nn.Linear(half, 64), nn.ReLU(), nn.Linear(64, 2 * half)) for _ in range(depth)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x, logdet = x.flatten(1), x.new_zeros(len(x))
        for net in self.nets:
            a, b = x.chunk(2, 1)
            shift, scale = net(a).chunk(2, 1)
            scale = torch.tanh(scale)
            x, logdet = torch.cat([b * scale.exp() + shift, a], 1), logdet + scale.sum(1)
        return x, logdet


class Sine(nn.Module):
    """sin(ω₀ W x + b) of SIREN, with its initialisation."""

    def __init__(self, n: int, m: int, first: bool = False, omega: float = 30.0) -> None:
        super().__init__()
        self.linear, self.omega = nn.Linear(n, m), omega
        bound = 1 / n if first else (6 / n) ** 0.5 / omega
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(self.omega * self.linear(x))


def _siren() -> Subject:
    image = pictures(1, 16)[0]
    grid = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 16)] * 2, indexing="ij"), -1).flatten(0, 1)
    head = nn.Linear(64, 3)
    bound = (6 / 64) ** 0.5 / 30
    nn.init.uniform_(head.weight, -bound, bound)
    net = nn.Sequential(Sine(2, 64, first=True), Sine(64, 64), Sine(64, 64), head)
    return net, (grid, image.flatten(1).T.contiguous()), F.mse_loss


class Radiance(nn.Module):
    """NeRF: positional encoding, a skip connection, density and colour, and a sum along each ray."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.first = nn.ModuleList([nn.Linear(36, width), nn.Linear(width, width)])
        self.second = nn.ModuleList([nn.Linear(width + 36, width), nn.Linear(width, width)])
        self.density, self.colour = nn.Linear(width, 1), nn.Linear(width, 3)

    def forward(self, points: Tensor) -> Tensor:
        angles = (points.unsqueeze(-1) * 2.0 ** torch.arange(6)).flatten(-2)
        code = torch.cat([angles.sin(), angles.cos()], -1)
        h = code
        for layer in self.first:
            h = F.relu(layer(h))
        h = torch.cat([h, code], -1)
        for layer in self.second:
            h = F.relu(layer(h))
        alpha = 1 - torch.exp(-F.softplus(self.density(h).squeeze(-1)) / 8)
        seen = torch.cumprod(torch.cat([torch.ones_like(alpha[:, :1]), 1 - alpha + 1e-10], 1), 1)[:, :-1]
        return ((alpha * seen).unsqueeze(-1) * self.colour(h).sigmoid()).sum(1)


def _radiance() -> Subject:
    draw = torch.Generator().manual_seed(0)
    origin, direction = torch.rand(32, 1, 3, generator=draw), torch.randn(32, 1, 3, generator=draw)
    points = origin + F.normalize(direction, dim=-1) * torch.linspace(0, 1, 8).view(1, 8, 1)
    return Radiance(), (points, torch.rand(32, 3, generator=draw)), F.mse_loss


class Spectral(nn.Module):
    """A map of the lowest Fourier modes by complex weights."""

    def __init__(self, width: int, modes: int) -> None:
        super().__init__()
        self.modes = modes
        self.weight = nn.Parameter(torch.randn(width, width, modes, modes, dtype=torch.cfloat) / width)

    def forward(self, x: Tensor) -> Tensor:
        waves = torch.fft.rfft2(x)
        out = torch.zeros_like(waves)
        m = self.modes
        out[:, :, :m, :m] = torch.einsum("bixy,ioxy->boxy", waves[:, :, :m, :m], self.weight)
        return torch.fft.irfft2(out, s=x.shape[-2:])


class FourierOperator(nn.Module):
    """A Fourier neural operator: spectral layers beside pointwise ones."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.lift, self.project = nn.Conv2d(3, width, 1), nn.Conv2d(width, 1, 1)
        self.spectral = nn.ModuleList([Spectral(width, 4), Spectral(width, 4)])
        self.local = nn.ModuleList([nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)])

    def forward(self, x: Tensor) -> Tensor:
        x = self.lift(x)
        for spectral, local in zip(self.spectral, self.local, strict=True):
            x = F.gelu(spectral(x) + local(x))
        return self.project(x)


class Quantised(nn.Module):
    """A vector-quantised autoencoder with the straight-through estimator."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 32, 4, 4), nn.ReLU(), nn.Conv2d(32, 16, 1))
        self.codes = nn.Embedding(32, 16)
        self.decoder = nn.Sequential(nn.Conv2d(16, 32, 1), nn.ReLU(), nn.ConvTranspose2d(32, 3, 4, 4))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z = self.encoder(x).permute(0, 2, 3, 1)
        flat = z.reshape(-1, 16)
        nearest = torch.cdist(flat, self.codes.weight).argmin(1)
        code = self.codes(nearest).view(z.shape)
        commitment = F.mse_loss(z, code.detach()) + F.mse_loss(code, z.detach())
        code = z + (code - z).detach()
        return self.decoder(code.permute(0, 3, 1, 2)), commitment


class Equilibrium(nn.Module):
    """A deep equilibrium: one map iterated until it hardly moves."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.into, self.state, self.head = nn.Linear(64, width), nn.Linear(width, width), nn.Linear(width, 10)
        nn.init.normal_(self.state.weight, std=0.5 / width**0.5)

    def forward(self, x: Tensor) -> Tensor:
        u, z = self.into(x.flatten(1)), torch.zeros(len(x), 64)
        for _ in range(20):
            before, z = z, torch.tanh(self.state(z) + u)
            if (z - before).abs().max() < 1e-3:
                break
        return self.head(z)


class Hyper(nn.Module):
    """A network that computes the weights of another one from the input."""

    def __init__(self) -> None:
        super().__init__()
        self.weights, self.head = nn.Linear(64, 16 * 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        w = self.weights(x).view(-1, 32, 16)
        return self.head(F.relu((w @ x[:, :16].unsqueeze(2)).squeeze(2)))


def _codes() -> Tensor:
    return torch.randn(16, 64, 1, 1, generator=torch.Generator().manual_seed(0))


CASES: tuple[Case, ...] = (
    Case("Autoencoder", lambda: (Autoencoder(), (pictures(), pictures()), F.mse_loss)),
    Case("VAE", _variational),
    Case("DCGAN generator", lambda: (Generator(), (_codes(), pictures()), F.mse_loss)),
    Case(
        "DCGAN discriminator",
        lambda: (Discriminator(), (pictures(), torch.ones(16)), F.binary_cross_entropy_with_logits),
    ),
    Case("Diffusion U-Net", _denoiser),
    Case(
        "Normalising flow",
        lambda: (Coupling(), written()[0], lambda out: (out[0].square().sum(1) / 2 - out[1]).mean()),
    ),
    Case("SIREN", _siren),
    Case("NeRF", _radiance),
    Case(
        "Fourier operator", lambda: (FourierOperator(), (pictures(8, 16), pictures(8, 16)[:, :1]), F.mse_loss)
    ),
    Case(
        "VQ-VAE",
        lambda: (Quantised(), (pictures(), pictures()), lambda out, y: F.mse_loss(out[0], y) + out[1]),
    ),
    Case("Deep equilibrium", lambda: (Equilibrium(), written(), F.cross_entropy)),
    Case("Hypernetwork", lambda: (Hyper(), written(), F.cross_entropy)),
)

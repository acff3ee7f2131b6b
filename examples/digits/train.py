"""Trains a network on scikit-learn's 8 x 8 digits in snnTorch, and exports it.

    pip install torch==2.13.0 snntorch==1.0.0 nir==1.0.8 nirtorch==2.6 scikit-learn==1.7.2
    python train.py            writes digits.nir and digits_test.npz (some minutes on a CPU)

Xylo has 16 input channels, so each channel is a block of 2 x 2 pixels. Its grey value g of
0..64 gives round(g / 2) spikes, evenly spread over 32 steps. The decays are those that Xylo
stores exactly: 1 - 1/2^n (`nirmap devices xylo-audio3 --training`).
"""

from __future__ import annotations

from pathlib import Path

import nir
import numpy as np
import snntorch as snn
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from snntorch import surrogate, utils
from snntorch.export_nir import export_to_nir

HERE = Path(__file__).resolve().parent
STEPS = 32
HIDDEN = 64
EPOCHS = 60
SEED = 3


def spikes(images: np.ndarray) -> np.ndarray:
    """Images (sample, 8, 8) of 0..16 as spikes (sample, step, 16 channels)."""
    grey = images.reshape(-1, 4, 2, 4, 2).sum(axis=(2, 4)).reshape(-1, 16)
    number = np.rint(grey * STEPS / 64)
    reached = np.floor(number[:, None] * np.arange(STEPS + 1)[:, None] / STEPS + 0.5)
    return np.diff(reached, axis=1).astype(np.uint8)


class Synaptic(snn.Synaptic):
    """Resets in the step of the spike, once, as NIR and the chips do.

    snnTorch resets a step later by default. Its `reset_delay=False` alone still holds back a
    spike where the membrane stays above the threshold after a reset: without a delayed reset
    there is nothing to correct.
    """

    def mem_reset(self, mem: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(mem)


def network() -> torch.nn.Sequential:
    """16 inputs, 64 and 10 CubaLIF neurons; no biases."""
    common = {
        "spike_grad": surrogate.fast_sigmoid(slope=10),
        "reset_mechanism": "subtract",
        "reset_delay": False,
        "init_hidden": True,
    }
    neurons = [
        Synaptic(
            alpha=torch.full((size,), 0.5),
            beta=torch.full((size,), 0.75),
            threshold=torch.ones(size),
            **common,
        )
        for size in (HIDDEN, 10)
    ]
    return torch.nn.Sequential(
        torch.nn.Linear(16, HIDDEN, bias=False),
        neurons[0],
        torch.nn.Linear(HIDDEN, 10, bias=False),
        neurons[1],
    )


def counts(net: torch.nn.Module, raster: torch.Tensor) -> torch.Tensor:
    """Output spikes (sample, class) over the run."""
    utils.reset(net)
    total = 0
    for step in raster.unbind(1):
        total = total + net(step)
    return total


def main() -> None:
    torch.manual_seed(SEED)
    digits = load_digits()
    raster, labels = spikes(digits.images), digits.target
    parts = train_test_split(raster, labels, test_size=360, stratify=labels, random_state=SEED)
    x, x_test, y, y_test = (torch.tensor(part) for part in parts)
    x, x_test = x.float(), x_test.float()
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for epoch in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(64):
            loss = torch.nn.functional.cross_entropy(counts(net, x[batch]) / 2, y[batch])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
        schedule.step()
        if epoch % 10 == 9:
            with torch.no_grad():
                right = (counts(net, x).argmax(1) == y).float().mean()
            print(f"epoch {epoch + 1}: {100 * right:.1f} % of the training digits", flush=True)
    with torch.no_grad():
        found = counts(net, x_test)
    right = int((found.argmax(1) == y_test).sum())
    print(f"snnTorch: {right} of {len(y_test)} test digits right")
    utils.reset(net)
    nir.write(HERE / "digits.nir", export_to_nir(net, x_test[:1, 0], ignore_dims=[0]))
    np.savez_compressed(
        HERE / "digits_test.npz",
        raster=x_test.numpy().astype(np.uint8),
        labels=y_test.numpy().astype(np.int64),
        snntorch_counts=found.numpy().astype(np.int64),
    )


if __name__ == "__main__":
    main()

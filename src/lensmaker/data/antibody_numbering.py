"""A transformer that numbers the residues of antibodies, from the package anarcii."""

from __future__ import annotations

import json
from collections.abc import Iterable

import torch
from torch import nn

from lensmaker.data.installed import load_weights, module_file, package_file
from lensmaker.data.trained import UNKNOWN, TrainedNetwork

ANTIBODIES = {
    "trastuzumab H": (
        "EVQLVESGGGLVQPGGSLRLScAASGFNIKDTYIHwVRQAPGKGLEWVARIYPTNGYTRYADSV"
        "KGRFTISADTSKNTAYLQMNSLRAEDTAVYYcSRWGGDGFYAMDYwGQGTLVTVSS"
    ),
    "trastuzumab K": (
        "DIQMTQSPSSLSASVGDRVTITcRASQDVNTAVAwYQQKPGKAPKLLIYSASFLYSGVPSRFSG"
        "SRSGTDFTLTISSLQPEDFATYYcQQHYTTPPTfGQGTKVEIK"
    ),
    "adalimumab H": (
        "EVQLVESGGGLVQPGRSLRLScAASGFTFDDYAMHwVRQAPGKGLEWVSAITWNSGHIDYADSV"
        "EGRFTISRDNAKNSLYLQMNSLRAEDTAVYYcAKVSYLSTASSLDYwGQGTLVTVSS"
    ),
    "adalimumab K": (
        "DIQMTQSPSSLSASVGDRVTITcRASQGIRNYLAwYQQKPGKAPKLLIYAASTLQSGVPSRFSG"
        "SGSGTDFTLTISSLQPEDVATYYcQRYNRAPYTfGQGTKVEIK"
    ),
    "rituximab H": (
        "QVQLQQPGAELVKPGASVKMScKASGYTFTSYNMHwVKQTPGRGLEWIGAIYPGNGDTSYNQKF"
        "KGKATLTADKSSSTAYMQLSSLTSEDSAVYYcARSTYYGGDWYFNVwGAGTTVTVSA"
    ),
    "rituximab K": (
        "QIVLSQSPAILSASPGEKVTMTcRASSSVSYIHwFQQKPGSSPKPWIYATSNLASGVPVRFSGS"
        "GSGTSYSLTISRVEAEDAATYYcQQWTSNPPTfGGGTKLEIK"
    ),
    "bevacizumab H": (
        "EVQLVESGGGLVQPGGSLRLScAASGYTFTNYGMNwVRQAPGKGLEWVGWINTYTGEPTYAADF"
        "KRRFTFSLDTSKSTAYLQMNSLRAEDTAVYYcAKYPHYYGSSHWYFDVwGQGTLVTVSS"
    ),
    "bevacizumab K": (
        "DIQMTQSPSSLSASVGDRVTITcSASQDISNYLNwYQQKPGKAPKVLIYFTSSLHSGVPSRFSG"
        "SGSGTDFTLTISSLQPEDFATYYcQQYSTVPWTfGQGTKVEIK"
    ),
}
"""Variable domains of approved antibodies, heavy (H) and κ light (K); lower case: the `ANCHORS`."""

ANCHORS = (23, 41, 104, 118)
"""IMGT positions of the first cysteine, the tryptophan, the second cysteine, and J-Trp or J-Phe."""

PAD, START, END, SKIP = range(4)
RESIDUES = dict(zip("ACDEFGHIKLMNPQRSTVWXY", range(4, 25), strict=True))
CLASSES = ("pad", "start", "end", "skip", *(str(n) for n in range(1, 129)), "insertion", "H", "L", "K")


class Numbering(nn.Module):
    """The package's encoder and decoder in one forward pass, with teacher forcing.

    The package's own class prints three lines at each pass and returns its cache with the logits, so
    this one takes its place.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, src: torch.Tensor, trg: torch.Tensor) -> torch.Tensor:
        """Logits [N, T, 136] of the token after each of `trg` [N, T], for residues `src` [N, S]."""
        padding = src == PAD
        # The decoder makes its own causal mask, hence None.
        logits, _ = self.decoder(trg, self.encoder(src, padding), trg == PAD, None, padding)
        return logits


def antibody_numbering() -> TrainedNetwork:
    """Encoder–decoder transformer (two layers each, width 128, four heads) that writes the IMGT number of
    each residue, one after the other.

    The batch is `{"src": residues [8, 125], "trg": numbers so far [8, T]}`: eight variable domains of
    approved antibodies, and what the network itself writes for them, greedily. Residue i of a sequence
    (from 1) stands at `src[:, i]`, and its number is predicted at `[:, i]` of the output, after the type
    of the chain at `[:, 0]`. The labels are what IMGT defines without any network: the chain's type and
    the numbers of four conserved residues; −100 elsewhere, which cross-entropy ignores.

    Raises
    ------
    MissingDataError
        If anarcii is not installed.
    WeightsError
        If its weights do not fit its classes.

    References
    ----------
    M.-P. Lefranc et al., “IMGT unique numbering for immunoglobulin and T cell receptor variable domains”,
    Dev. Comp. Immunol. 27 (2003) 55, doi:10.1016/S0145-305X(02)00039-3.
    """
    folder, stem, requirement = "models/antibody", "antibody_4_2_128_512", "anarcii==2.0.8"
    modules = module_file(package_file("anarcii", "inference/model.py", requirement), "anarcii_model")
    facts = json.loads(package_file("anarcii", f"{folder}/{stem}.json", requirement).read_text())
    width = facts["HID_DIM"]
    shape = (width, facts["LAYERS"], facts["HEADS"], 4 * width, facts["DROPOUT"], "cpu")

    def build() -> Numbering:
        encoder = modules.Encoder(facts["INPUT_DIM"], *shape)
        return Numbering(encoder, modules.Decoder(facts["OUTPUT_DIM"], *shape))

    model = load_weights(build, package_file("anarcii", f"{folder}/{stem}.pt", requirement))
    src = tokens(ANTIBODIES.values())
    labels = anchor_labels()
    return TrainedNetwork(
        name="antibody_numbering",
        model=model,
        batch={"src": src, "trg": numbering(model, src, steps=labels.shape[1])},
        labels=labels,
        classes=CLASSES,
        source="anarcii 2.0.8: anarcii/models/antibody/antibody_4_2_128_512.pt",
        license="BSD-3-Clause",
        citation="A. Greenshields-Watson et al., “ANARCII: A Generalised Language Model for Antigen Receptor "
        "Numbering”, bioRxiv (2025)",
        provenance="eight variable domains of approved antibodies, and the network's own numbering of them",
    )


def tokens(sequences: Iterable[str]) -> torch.Tensor:
    """Residues as integers, between START and END, padded to the longest: [N, S]."""
    rows = [[START, *(RESIDUES[r] for r in s.upper()), END] for s in sequences]
    return nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=PAD)


def anchor_labels() -> torch.Tensor:
    """What the network is to write for `ANTIBODIES` where IMGT defines it: [N, S − 1], else UNKNOWN."""
    labels = torch.full((len(ANTIBODIES), max(map(len, ANTIBODIES.values())) + 1), UNKNOWN)
    for row, (name, sequence) in zip(labels, ANTIBODIES.items(), strict=True):
        row[0] = CLASSES.index(name[-1])
        anchors = [i for i, residue in enumerate(sequence, start=1) if residue.islower()]
        row[anchors] = torch.tensor([CLASSES.index(str(n)) for n in ANCHORS])
    return labels


@torch.no_grad()
def numbering(model: Numbering, src: torch.Tensor, steps: int) -> torch.Tensor:
    """What the model writes for `src`: START, then the likeliest token given those before; [N, steps].

    All after END is PAD.
    """
    padding = src == PAD
    memory = model.encoder(src, padding)
    trg, cache = torch.full((len(src), 1), START), None
    for _ in range(steps - 1):
        logits, cache = model.decoder(trg[:, -1:], memory, trg == PAD, None, padding, cache)
        trg = torch.cat([trg, logits[:, -1:].argmax(-1)], dim=1)
    end = (trg == END).long()
    return trg.masked_fill(end.cumsum(1) > end, PAD)

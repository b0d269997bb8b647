"""The standard quantities: the one table from which glossary, CLI and reports are printed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lensmaker.core.errors import InputError


class Scale(Enum):
    """How two values of a quantity are compared and drawn."""

    LINEAR = "differences matter"
    LOG = "ratios matter; the quantity is positive"


@dataclass(frozen=True)
class Quantity:
    """A named physical quantity of a system.

    Attributes
    ----------
    name, symbol, unit
        Identifier used in the API, symbol used in formulas, unit ("1" where dimensionless).
    definition
        One sentence that fixes the convention.
    scale
        Whether deviations are differences or ratios.
    """

    name: str
    symbol: str
    unit: str
    definition: str
    scale: Scale = Scale.LINEAR

    def __str__(self) -> str:
        return self.name


QUANTITIES: tuple[Quantity, ...] = (
    Quantity("second_moment", "q", "activation²", "Mean of x² over units, positions and samples.", Scale.LOG),
    Quantity("mean", "m", "activation", "Mean of x over units, positions and samples."),
    Quantity("variance", "v", "activation²", "q − m².", Scale.LOG),
    Quantity(
        "correlation",
        "c",
        "1",
        "Mean cosine ⟨x·x′⟩/(|x||x′|) over pairs of different samples, each flattened.",
    ),
    Quantity(
        "token_correlation",
        "c_T",
        "1",
        "Mean cosine over pairs of different positions within one sample.",
    ),
    Quantity(
        "chi",
        "χ",
        "1",
        "Growth of a tangent vector's mean square across the element, ⟨δy²⟩/⟨δx²⟩.",
        Scale.LOG,
    ),
    Quantity(
        "tangent",
        "T",
        "1",
        "Growth of a tangent vector's mean square from the input of the network to here.",
        Scale.LOG,
    ),
    Quantity(
        "tangent_kernel",
        "Θ",
        "activation²",
        "Mean over units, positions and samples of |∂x/∂θ|², the parameters θ in units of their own scale.",
        Scale.LOG,
    ),
    Quantity("zero_fraction", "f₀", "1", "Fraction of outputs that are exactly zero."),
    Quantity("dead_fraction", "f_d", "1", "Fraction of units that are zero for every probe sample."),
    Quantity(
        "saturation",
        "f_s",
        "1",
        "Fraction of units whose slope is below 5 % of the largest slope of the activation.",
    ),
    Quantity(
        "gradient",
        "g",
        "loss²/activation²",
        "Mean of (∂loss/∂x)² over units, positions and samples, at the output of the element.",
        Scale.LOG,
    ),
    Quantity(
        "attention_entropy",
        "S",
        "nat",
        "Mean Shannon entropy of the attention weights of one query.",
    ),
    Quantity(
        "weight_gradient", "g_w", "loss²/weight²", "Mean of (∂loss/∂w)² over a weight tensor.", Scale.LOG
    ),
    Quantity(
        "update_ratio",
        "|g_w|/|w|",
        "loss/weight²",
        "Norm of the loss gradient over that of the weight: relative update for each unit of learning rate.",
        Scale.LOG,
    ),
    Quantity(
        "singular_value_max",
        "s₁",
        "1",
        "Largest singular value of a weight matrix (of the reshaped kernel for a convolution).",
        Scale.LOG,
    ),
    Quantity(
        "operator_norm",
        "‖W‖",
        "1",
        "Largest singular value of the linear map itself (for a convolution on its real input size).",
        Scale.LOG,
    ),
    Quantity(
        "effective_rank",
        "r_eff",
        "1",
        "exp of the entropy of the normalised squared singular values.",
        Scale.LOG,
    ),
    Quantity("spikes", "n_s", "1", "Number of singular values above the Marchenko–Pastur edge."),
    Quantity(
        "edge_ratio",
        "s₁/s₊",
        "1",
        "Largest singular value over the Marchenko–Pastur edge of what remains without the spikes.",
        Scale.LOG,
    ),
    Quantity(
        "jacobian_norm",
        "⟨s²⟩",
        "1",
        "Mean squared singular value of the Jacobian from the network input, |J|²_F/n_in.",
        Scale.LOG,
    ),
    Quantity(
        "jacobian_max",
        "s_max",
        "1",
        "Largest singular value of the Jacobian from the network input.",
        Scale.LOG,
    ),
    Quantity(
        "contrast",
        "M",
        "1",
        "Growth of a tangent's mean square over the depth, relative to that of the signal: T⟨x₀²⟩/⟨x_L²⟩.",
        Scale.LOG,
    ),
    Quantity(
        "relative_scale",
        "ρ",
        "1",
        "σ_w² = fan_in·⟨w²⟩ of a weight over the median of those that play its role.",
        Scale.LOG,
    ),
    Quantity("non_finite", "n_∞", "1", "Number of entries that are infinite or not a number."),
    Quantity("idle_units", "n_0", "1", "Number of units whose weights are zero, or those of another unit."),
    Quantity(
        "statistics_divergence",
        "D",
        "nat",
        "Kullback–Leibler divergence of the data, taken as Gaussian, from the running statistics of a "
        "normalisation: that of the median channel.",
        Scale.LOG,
    ),
    # criticality of an activation function
    Quantity(
        "fixed_point_q", "q*", "activation²", "Fixed point of the pre-activation second moment.", Scale.LOG
    ),
    Quantity("fixed_point_c", "c*", "1", "Stable fixed point of the correlation of two inputs."),
    Quantity(
        "chi_1",
        "χ₁",
        "1",
        "Slope of the correlation map at c = 1: growth of a tangent for each layer.",
        Scale.LOG,
    ),
    Quantity("xi_q", "ξ_q", "layers", "Depth over which the second moment forgets its start.", Scale.LOG),
    Quantity(
        "xi_c",
        "ξ_c",
        "layers",
        "Depth over which the correlation of two inputs forgets its start.",
        Scale.LOG,
    ),
    Quantity(
        "critical_sigma_w", "σ_w", "1", "Weight scale at which χ₁ = 1 for the given bias scale.", Scale.LOG
    ),
    # spin systems at a temperature
    Quantity("energy", "e", "energy", "Mean of H a spin."),
    Quantity("specific_heat", "c_h", "1", "Variance of H a spin, over T²: the slope of e by T.", Scale.LOG),
    Quantity("free_energy", "f", "energy", "−T ln Z a spin."),
    Quantity("entropy", "s", "nat", "Entropy a spin: (e − f)/T."),
    Quantity("magnetisation", "|m|", "1", "Mean of |Σ s|/N."),
    Quantity("susceptibility", "χ_m", "1/energy", "N(⟨m²⟩ − ⟨|m|⟩²)/T.", Scale.LOG),
    Quantity("coupling", "K", "1", "Coupling over temperature, J/T."),
    Quantity("inverse_nu", "1/ν", "1", "Power of L that ∂U₄/∂K follows at a critical point."),
    Quantity("beta_over_nu", "β/ν", "1", "Power of 1/L that |m| follows at a critical point."),
    Quantity("gamma_over_nu", "γ/ν", "1", "Power of L that N⟨m²⟩ follows at a critical point."),
    Quantity("binder", "U₄", "1", "Binder cumulant 1 − ⟨m⁴⟩/(3⟨m²⟩²)."),
    Quantity(
        "correlation_length",
        "ξ",
        "lattice units",
        "Distance over which the correlation of two spins falls by a factor e.",
        Scale.LOG,
    ),
    Quantity(
        "second_moment_length",
        "ξ₂",
        "lattice units",
        "Second-moment correlation length √(S(0)/S(k) − 1)/|k̂| at the smallest wave vector k of a torus.",
        Scale.LOG,
    ),
    # the renormalization group
    Quantity(
        "thermal_exponent",
        "y_t",
        "1",
        "Power of b that a small distance from T_c grows with in a step that makes lengths b times shorter: 1/ν.",
    ),
    Quantity(
        "magnetic_exponent",
        "y_h",
        "1",
        "Power of b that a small field grows with in a step that makes lengths b times shorter: (d + 2 − η)/2.",
    ),
    Quantity(
        "gradient_coefficient",
        "y_i",
        "1/field²",
        "Coefficient of |q|^(2i) in 1/P(q), P = ⟨|φ_q|²⟩/N² the spectrum of a field, along an axis or a diagonal.",
    ),
    # information
    Quantity(
        "mutual_information",
        "I",
        "nat",
        "Mutual information Σ p ln[p(x, y)/p(x)p(y)] of a block of spins, or its block spin, and its environment.",
    ),
    Quantity(
        "kept_information",
        "I₀",
        "nat",
        "Information that a level of a Markov chain, or a statistic of its last letter, has of the first letter.",
    ),
    Quantity("statistic_size", "|T|", "1", "Values that a statistic takes."),
    # Boltzmann machines
    Quantity("log_partition", "ln Z", "nat", "Logarithm of the partition function of a Boltzmann machine."),
    Quantity("log_likelihood", "ℓ", "nat", "Mean of ln P(v) over rows of data."),
    Quantity("machine_energy", "⟨E⟩", "nat", "Mean of E(v, h) of a whole Boltzmann machine, at β = 1."),
    Quantity("machine_entropy", "S_B", "nat", "Entropy of both layers of a Boltzmann machine: ln Z + ⟨E⟩."),
    # receptive fields of hidden units on a lattice, and configurations that a machine iterates
    Quantity(
        "field_participation",
        "P_w",
        "sites",
        "Participation ratio (Σw²)²/Σw⁴ of the field of a hidden unit, mean over a layer.",
        Scale.LOG,
    ),
    Quantity(
        "window_fraction",
        "f_w",
        "1",
        "Share of Σw² in a window about the largest |w| of a field, mean over a layer.",
    ),
    Quantity(
        "sign_coherence",
        "c_±",
        "1",
        "|Σw|/Σ|w| in a window about the largest |w| of a field, mean over a layer.",
    ),
    Quantity(
        "neighbour_correlation",
        "I_w",
        "1",
        "Σ w w′ over the bonds of a torus, over 2Σw², of a field, mean over a layer.",
    ),
    Quantity(
        "field_profile",
        "p_w(r)",
        "1",
        "w²/Σw² of a site whose distance from the largest |w| of the field rounds to r, mean over a layer.",
    ),
    Quantity(
        "field_half_width",
        "r_½",
        "lattice units",
        "Distance at which the mean profile of a layer's fields first is half of what it is at the peak.",
    ),
    Quantity(
        "energy_temperature",
        "T_E",
        "energy",
        "Temperature at which a spin system has the mean energy of given configurations.",
    ),
    Quantity(
        "magnetic_temperature",
        "T_m",
        "energy",
        "Temperature at which a spin system has the mean |m| of given configurations; no reading above T_c.",
    ),
    # the map between a Boltzmann machine and a renormalization step, T = −E + βH
    Quantity(
        "identity_gap",
        "|H_RG − H_RBM|",
        "nat",
        "Largest difference of −ln Tr_v e^(T − βH) and −ln Tr_v e^(−E).",
    ),
    Quantity(
        "free_energy_shift",
        "ΔF",
        "nat",
        "ln Z of the spins less ln Z of the machine: F of hidden spins less F of spins.",
    ),
    Quantity("trace_violation", "Var R", "nat²", "Variance of R = ln Tr_h e^T over the spins' distribution."),
    Quantity(
        "trace_residual", "max |R − c|", "nat", "Largest |R − c| of R = ln Tr_h e^T, at the best constant c."
    ),
    Quantity("kl_divergence", "D_KL", "nat", "Kullback–Leibler divergence of the machine from the spins."),
    # networks that compute polynomials
    Quantity("neurons", "N_h", "1", "Number of hidden units.", Scale.LOG),
    Quantity(
        "reachable_error",
        "δ",
        "1",
        "Largest error over inputs in [−1, 1] that truncation and rounding leave at the best weight scale.",
        Scale.LOG,
    ),
    Quantity(
        "flattening_ratio",
        "R",
        "1",
        "Parameters of one layer over those of the layers whose product it is.",
        Scale.LOG,
    ),
    # what a Hamiltonian is like that was learned from values or samples
    Quantity(
        "polynomial_coefficient", "c_α", "value", "Coefficient of a monomial in a polynomial that was fitted."
    ),
    Quantity(
        "explained_share",
        "R²",
        "1",
        "What terms up to a degree explain in held-out rows: of the variance of values, or of ln 2 a spin.",
    ),
    Quantity("degree_share", "ΔR²", "1", "What terms of a degree explain beyond those of lower degree."),
    Quantity(
        "coupling_distance",
        "r̄",
        "lattice units",
        "Mean distance of the sites in products of two, weighted by c²; at shuffled sites ± that of one shuffle.",
    ),
    Quantity(
        "translation_share",
        "S_t",
        "1",
        "Share of Σc² of products of two sites in the mean of c over pairs with one displacement.",
    ),
    Quantity(
        "reflection_share",
        "S_r",
        "1",
        "Share of Σc² of products of two sites in the mean of c over reflections along the axes.",
    ),
    Quantity(
        "gate_error", "ε_m", "1", "Largest |m(u, v) − uv| of a product gate for |u|, |v| ≤ r.", Scale.LOG
    ),
    # convolutions read as differential operators; lengths are in pixels of the network's input
    Quantity(
        "field_gain",
        "N",
        "1",
        "Root mean square, over the channels of a convolution, of the sums of weights; of one channel the sum itself.",
    ),
    Quantity(
        "potential",
        "V",
        "1",
        "N − 1/f′: slope of what a convolution's gain and the activation f behind it leave over of a uniform field.",
    ),
    Quantity(
        "field_drift",
        "A^i",
        "pixels",
        "First moment of a convolution's normalised kernel along an axis: a bump moves by −A.",
    ),
    Quantity(
        "metric_smallest",
        "g₋",
        "pixels²",
        "Smallest eigenvalue of the second moments of a convolution's normalised kernel; below 0 it is indefinite.",
    ),
    Quantity(
        "metric_largest",
        "g₊",
        "pixels²",
        "Largest eigenvalue of the second moments of a convolution's normalised kernel.",
    ),
    Quantity(
        "curvature",
        "|F|",
        "pixels²",
        "Largest |[A_x, A_y]|/√C of a convolution's drifts A = m₀⁻¹m₁, matrices between C channels, Frobenius norm.",
    ),
    Quantity(
        "validity_wavelength",
        "λ_v",
        "pixels",
        "Wavelength above which the operator of second order is within 10 % of a convolution's symbol.",
        Scale.LOG,
    ),
    Quantity(
        "law_error",
        "ε_n",
        "1",
        "Error of the differential operator of order n, relative to the output of the convolution without its bias.",
        Scale.LOG,
    ),
    Quantity(
        "spectral_share",
        "s(λ)",
        "1",
        "Share of the energy of a convolution's input in waves of a length λ or longer, the mean among them.",
    ),
    Quantity(
        "point_spread_width",
        "σ_P",
        "pixels",
        "Root of the mean variance, by axis, of squared gradients of the centre of a layer at the input's pixels.",
        Scale.LOG,
    ),
    Quantity(
        "point_spread_drift",
        "Δ_P",
        "pixels",
        "Centroid of squared gradients of the centre of a layer, less the middle of its receptive field.",
    ),
    Quantity(
        "point_spread_ellipticity",
        "e_P",
        "1",
        "Of the covariance C of squared gradients at an image's pixels: (C₀₀ − C₁₁)/tr C, and 2C₀₁/tr C.",
    ),
    Quantity(
        "depth_order",
        "p",
        "1",
        "Power of the step at which a residual network, refined, goes to its limit of continuous depth.",
    ),
    Quantity(
        "depth_gap",
        "ε_∞",
        "1",
        "|x − x_∞|/|x_∞| of the output of a residual network and of its limit of continuous depth, over all samples.",
    ),
    # unknown media, from what goes in and what comes out: ∂_t φ = ½ g^{ij} ∂_i∂_j φ + A^i ∂_i φ + V φ + c φ ∂_x φ
    Quantity("medium_metric", "g^{ij}", "length²/time", "Metric of a medium: twice its diffusivity."),
    Quantity("medium_drift", "Â^i", "length/time", "Drift of a medium along an axis: a bump moves by −A."),
    Quantity("medium_potential", "V̂", "1/time", "Growth of a uniform field in a medium."),
    Quantity("self_advection", "ĉ", "1", "Coefficient of φ ∂_x φ: −1 in Burgers' equation."),
    Quantity(
        "conductivity_ratio",
        "a₁/a₀",
        "1",
        "Conductivity of ground of the second kind over that of the first, in −∇·(a ∇u) = f.",
        Scale.LOG,
    ),
    Quantity(
        "source_strength",
        "f/a₀",
        "field/length²",
        "Source over the conductivity of ground of the first kind.",
        Scale.LOG,
    ),
)

_BY_NAME = {q.name: q for q in QUANTITIES}


def quantity(name: str) -> Quantity:
    """The standard quantity called `name`.

    Raises
    ------
    InputError
        If the table has no such quantity.

    Examples
    --------
    >>> quantity("chi").symbol
    'χ'
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        known = ", ".join(_BY_NAME)
        raise InputError("a standard quantity", repr(name), f"choose one of {known}") from None

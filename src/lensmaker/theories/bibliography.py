"""The sources that several theories of networks rest on."""

from lensmaker.core import Reference

NEAL_1996 = Reference(
    "neal1996",
    "R. M. Neal",
    "Priors for infinite networks",
    1996,
    "Bayesian Learning for Neural Networks, Springer",
)
POOLE_2016 = Reference(
    "poole2016",
    "B. Poole, S. Lahiri, M. Raghu, J. Sohl-Dickstein, S. Ganguli",
    "Exponential expressivity in deep neural networks through transient chaos",
    2016,
    "NeurIPS",
    "arXiv:1606.05340",
)
SCHOENHOLZ_2017 = Reference(
    "schoenholz2017",
    "S. S. Schoenholz, J. Gilmer, S. Ganguli, J. Sohl-Dickstein",
    "Deep information propagation",
    2017,
    "ICLR",
    "arXiv:1611.01232",
)
XIAO_2018 = Reference(
    "xiao2018",
    "L. Xiao, Y. Bahri, J. Sohl-Dickstein, S. S. Schoenholz, J. Pennington",
    "Dynamical isometry and a mean field theory of CNNs",
    2018,
    "ICML",
    "arXiv:1806.05393",
)
YANG_2019 = Reference(
    "yang2019",
    "G. Yang",
    "Wide feedforward or recurrent neural networks of any architecture are Gaussian processes",
    2019,
    "NeurIPS",
    "arXiv:1910.12478",
)
YANG_BN_2019 = Reference(
    "yang2019bn",
    "G. Yang, J. Pennington, V. Rao, J. Sohl-Dickstein, S. S. Schoenholz",
    "A mean field theory of batch normalization",
    2019,
    "ICLR",
    "arXiv:1902.08129",
)
HANIN_NICA_2020 = Reference(
    "hanin2020",
    "B. Hanin, M. Nica",
    "Products of many large random matrices and gradients in deep neural networks",
    2020,
    "Commun. Math. Phys. 376",
    "arXiv:1812.05994",
)
ROBERTS_2022 = Reference(
    "roberts2022",
    "D. A. Roberts, S. Yaida, B. Hanin",
    "The principles of deep learning theory",
    2022,
    "Cambridge University Press",
    "arXiv:2106.10165",
)

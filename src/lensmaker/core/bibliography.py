"""The sources that several rooms rest on; what one member alone cites stands with it."""

from lensmaker.core.references import Reference

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
MICIKEVICIUS_2018 = Reference(
    "micikevicius2018",
    "P. Micikevicius, S. Narang, J. Alben, G. Diamos, E. Elsen, D. Garcia, B. Ginsburg, M. Houston, "
    "O. Kuchaiev, G. Venkatesh, H. Wu",
    "Mixed precision training",
    2018,
    "ICLR",
    "arXiv:1710.03740",
)
GLOROT_2010 = Reference(
    "glorot2010",
    "X. Glorot and Y. Bengio",
    "Understanding the difficulty of training deep feedforward neural networks",
    2010,
    "AISTATS",
)
LECUN_1998 = Reference(
    "lecun1998",
    "Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller",
    "Efficient BackProp",
    1998,
    "Neural Networks: Tricks of the Trade, Springer",
)
IOFFE_2015 = Reference(
    "ioffe2015",
    "S. Ioffe, C. Szegedy",
    "Batch normalization: accelerating deep network training by reducing internal covariate shift",
    2015,
    "ICML",
    "arXiv:1502.03167",
)
LU_2020 = Reference(
    "lu2020",
    "L. Lu, Y. Shin, Y. Su, G. E. Karniadakis",
    "Dying ReLU and initialization: theory and numerical examples",
    2020,
    "Commun. Comput. Phys. 28, 1671",
    "arXiv:1903.06733",
)
ZHAI_2023 = Reference(
    "zhai2023",
    "S. Zhai et al.",
    "Stabilizing transformer training by preventing attention entropy collapse",
    2023,
    "ICML",
    "arXiv:2303.06296",
)
NEYSHABUR_2015 = Reference(
    "neyshabur2015",
    "B. Neyshabur, R. Salakhutdinov, N. Srebro",
    "Path-SGD: path-normalized optimization in deep neural networks",
    2015,
    "NeurIPS",
    "arXiv:1506.02617",
)
ZHANG_2019 = Reference(
    "zhang2019",
    "H. Zhang, Y. N. Dauphin, T. Ma",
    "Fixup initialization: residual learning without normalization",
    2019,
    "ICLR",
    "arXiv:1901.09321",
)
NOCI_2022 = Reference(
    "noci2022",
    "L. Noci, S. Anagnostidis, L. Biggio, A. Orvieto, S. P. Singh, A. Lucchi",
    "Signal propagation in transformers: theoretical perspectives and the role of rank collapse",
    2022,
    "NeurIPS",
    "arXiv:2206.03126",
)
DONG_2021 = Reference(
    "dong2021",
    "Y. Dong, J.-B. Cordonnier, A. Loukas",
    "Attention is not all you need: pure attention loses rank doubly exponentially with depth",
    2021,
    "ICML",
    "arXiv:2103.03404",
)
LIN_2017 = Reference(
    "lin2017",
    "H. W. Lin, M. Tegmark, D. Rolnick",
    "Why does deep and cheap learning work so well?",
    2017,
    "J. Stat. Phys. 168, 1223",
    "arXiv:1608.08225",
)
LUO_2016 = Reference(
    "luo2016",
    "W. Luo, Y. Li, R. Urtasun, R. Zemel",
    "Understanding the effective receptive field in deep convolutional neural networks",
    2016,
    "NeurIPS",
    "arXiv:1701.04128",
)

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
MEHTA_2014 = Reference(
    "mehta2014",
    "P. Mehta, D. J. Schwab",
    "An exact mapping between the variational renormalization group and deep learning",
    2014,
    "",
    "arXiv:1410.3831",
)
ACKLEY_1985 = Reference(
    "ackley1985",
    "D. H. Ackley, G. E. Hinton, T. J. Sejnowski",
    "A learning algorithm for Boltzmann machines",
    1985,
    "Cogn. Sci. 9, 147",
)
SWENDSEN_1979 = Reference(
    "swendsen1979",
    "R. H. Swendsen",
    "Monte Carlo renormalization group",
    1979,
    "Phys. Rev. Lett. 42, 859",
)
KADANOFF_1975 = Reference(
    "kadanoff1975",
    "L. P. Kadanoff, A. Houghton",
    "Numerical evaluations of the critical properties of the two-dimensional Ising model",
    1975,
    "Phys. Rev. B 11, 377",
)
KOCH_JANUSZ_2018 = Reference(
    "kochjanusz2018",
    "M. Koch-Janusz, Z. Ringel",
    "Mutual information, neural networks and the renormalization group",
    2018,
    "Nat. Phys. 14, 578",
    "arXiv:1704.06279",
)
KADANOFF_1976 = Reference(
    "kadanoff1976",
    "L. P. Kadanoff, A. Houghton, M. C. Yalabik",
    "Variational approximations for renormalization group transformations",
    1976,
    "J. Stat. Phys. 14, 171",
)
ROLNICK_2018 = Reference(
    "rolnick2018",
    "D. Rolnick, M. Tegmark",
    "The power of deeper networks for expressing natural functions",
    2018,
    "ICLR",
    "arXiv:1705.05502",
)
KRAMERS_1941 = Reference(
    "kramers1941",
    "H. A. Kramers, G. H. Wannier",
    "Statistics of the two-dimensional ferromagnet, part I",
    1941,
    "Phys. Rev. 60, 252",
)
LUO_2016 = Reference(
    "luo2016",
    "W. Luo, Y. Li, R. Urtasun, R. Zemel",
    "Understanding the effective receptive field in deep convolutional neural networks",
    2016,
    "NeurIPS",
    "arXiv:1701.04128",
)
LONG_2018 = Reference(
    "long2018",
    "Z. Long, Y. Lu, X. Ma, B. Dong",
    "PDE-Net: learning PDEs from data",
    2018,
    "Proc. ICML, PMLR 80, 3208",
    "arXiv:1710.09668",
)
HABER_2017 = Reference(
    "haber2017",
    "E. Haber, L. Ruthotto",
    "Stable architectures for deep neural networks",
    2017,
    "Inverse Problems 34, 014004",
    "arXiv:1705.03341",
)
RUTHOTTO_2020 = Reference(
    "ruthotto2020",
    "L. Ruthotto, E. Haber",
    "Deep neural networks motivated by partial differential equations",
    2020,
    "J. Math. Imaging Vis. 62, 352",
    "arXiv:1804.04272",
)

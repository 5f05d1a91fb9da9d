"""Compile the kernel where there is a compiler; without one the pure twin serves."""

from Cython.Build import cythonize
from setuptools import Extension, setup

kernels = cythonize(
    Extension(
        "shardvault.kernel._native",
        ["src/shardvault/kernel/_native.pyx"],
        include_dirs=["src/shardvault/kernel"],
        depends=["src/shardvault/kernel/_columns.pxi", "src/shardvault/kernel/vendor/xxhash.h"],
        extra_compile_args=["-O3"],
    ),
    compiler_directives={"language_level": 3},
)
for kernel in kernels:
    kernel.optional = True  # cythonize drops it

setup(ext_modules=kernels)

"""Compile the kernel where there is a compiler; without one the pure twin serves."""

from Cython.Build import cythonize
from setuptools import Extension, setup

kernel = Extension(
    "shardvault.kernel._native",
    ["src/shardvault/kernel/_native.pyx"],
    include_dirs=["src/shardvault/kernel"],
    depends=["src/shardvault/kernel/vendor/xxhash.h"],
    extra_compile_args=["-O3"],
    optional=True,
)

setup(ext_modules=cythonize([kernel], compiler_directives={"language_level": 3}))

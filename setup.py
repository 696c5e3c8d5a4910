"""Compiles the inner loops of reading messages, where there is a compiler; all else stands in
pyproject.toml. Without one the installation goes on and NumPy does the same, slower."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "tanggap.language._kernel",
            ["tanggap/language/kernel.c"],
            extra_compile_args=["-O3"],
            optional=True,
        )
    ]
)

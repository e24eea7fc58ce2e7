python -m pip install --no-deps .

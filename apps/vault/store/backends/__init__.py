"""Object stores behind one small interface (base.py), chosen by address (addresses.py)."""

"""What differs from what is usual, in every backup."""

"""How people prove who they are beyond the password: codes, passkeys, and what an account demands of them."""

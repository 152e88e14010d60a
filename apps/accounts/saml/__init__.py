"""Company sign-in (SAML 2.0): docs/company-sign-in.md."""

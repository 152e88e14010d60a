// <form data-passkey="create|get" data-options="{JSON}">, or data-options-url: on submit the browser's own dialog asks for a
// finger, face, PIN or key; what it says goes into the field `credential`, and the form is sent.
"use strict";
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const unpack = (keys) => (keys ?? []).map((key) => ({ ...key, id: bytes(key.id) }));

  async function ask(kind, { publicKey }) {
    const options = { ...publicKey, challenge: bytes(publicKey.challenge) };
    if (kind === "create") {
      options.user = { ...options.user, id: bytes(options.user.id) };
      options.excludeCredentials = unpack(options.excludeCredentials);
    } else {
      options.allowCredentials = unpack(options.allowCredentials);
    }
    return pack(await navigator.credentials[kind]({ publicKey: options }));
  }

  function pack(credential) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    }
    return {
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      response,
      clientExtensionResults: credential.getClientExtensionResults(),
    };
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-passkey]");
    if (!form || form.dataset.done) return;
    event.preventDefault();
    const say = form.querySelector("[data-passkey-error]");
    say.textContent = "";
    try {
      const { options, optionsUrl, passkey } = form.dataset;
      const asked = options ? JSON.parse(options) : await (await fetch(optionsUrl)).json();
      form.elements.credential.value = JSON.stringify(await ask(passkey, asked));
      form.dataset.done = "yes";
      form.submit();
    } catch {
      say.textContent = window.PublicKeyCredential ? "No passkey was used. Try again." : "This browser knows no passkeys.";
    }
  });
})();

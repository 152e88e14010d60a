// A SAML 2.0 identity provider that is not ours, for tests: node saml_idp.js PORT CERT KEY ADDRESS...
// /sso takes our requests, /app begins by itself (the "app embed link"), /metadata says who it is.
const fs = require("fs");
const express = require("express");
const samlp = require("samlp");
const profileMapper = require("samlp/lib/claims/PassportProfileMapper");

const [port, certificate, key, ...addresses] = process.argv.slice(2);
const base = `http://127.0.0.1:${port}`;
const shared = {
  issuer: `${base}/metadata`,
  cert: fs.readFileSync(certificate),
  key: fs.readFileSync(key),
  profileMapper,
  signatureAlgorithm: "rsa-sha256",
  digestAlgorithm: "sha256",
  lifetimeInSeconds: 300,
  getUserFromRequest: (request) => request.user,
};
const escaped = (text) => String(text).replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");

function person(request, response, next) {
  const address = (request.query.user || "").toString();
  if (!addresses.includes(address)) {
    const kept = Object.entries(request.query)
      .map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`)
      .join("");
    const choices = addresses.map((one) => `<p><button name="user" value="${escaped(one)}">${escaped(one)}</button></p>`);
    response.send(`<!doctype html><title>Provider</title><h1>Who are you?</h1><form>${kept}${choices.join("")}</form>`);
    return;
  }
  const [name] = address.split("@");
  request.user = { id: address, emails: [{ value: address }], displayName: name, name: { givenName: name, familyName: name } };
  next();
}

function answer(acs, more) {
  return samlp.auth({
    ...shared,
    ...more,
    destination: acs,
    recipient: acs,
    getPostURL: (audience, dom, request, done) => done(null, acs),
  });
}

const app = express();
app.get("/metadata", samlp.metadata({ ...shared, postEndpointPath: "/sso", redirectEndpointPath: "/sso" }));
app.get("/favicon.ico", (request, response) => response.status(204).end());
app.get("/sso", person, (request, response, next) => {
  samlp.parseRequest(request, {}, (error, asked) => {
    if (error || !asked) return response.status(400).send("no request");
    return answer(asked.assertionConsumerServiceURL, { inResponseTo: asked.id })(request, response, next);
  });
});
app.get("/app", person, (request, response, next) => {
  const { acs, audience } = request.query;
  Object.defineProperty(request, "query", { value: {} });
  answer(acs, { audience })(request, response, next);
});
app.listen(Number(port), "127.0.0.1");

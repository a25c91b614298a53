// Security keys and passkeys: a form marked data-webauthn asks the browser for a credential and posts it.
"use strict";
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const descriptors = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));

  function creation(options, alone) {
    const key = options.publicKey;
    const selection = { ...key.authenticatorSelection, userVerification: "required" };
    selection.residentKey = alone ? "required" : "discouraged";
    selection.requireResidentKey = alone;
    return {
      publicKey: {
        ...key,
        challenge: bytes(key.challenge),
        user: { ...key.user, id: bytes(key.user.id) },
        excludeCredentials: descriptors(key.excludeCredentials),
        authenticatorSelection: selection,
      },
    };
  }

  function request(options) {
    const key = options.publicKey;
    return {
      publicKey: { ...key, challenge: bytes(key.challenge), allowCredentials: descriptors(key.allowCredentials) },
    };
  }

  function plain(credential) {
    const answer = credential.response;
    const response = { clientDataJSON: text(answer.clientDataJSON) };
    if (answer.attestationObject) {
      response.attestationObject = text(answer.attestationObject);
      response.transports = answer.getTransports ? answer.getTransports() : [];
    } else {
      response.authenticatorData = text(answer.authenticatorData);
      response.signature = text(answer.signature);
      response.userHandle = answer.userHandle ? text(answer.userHandle) : null;
    }
    return {
      type: credential.type,
      id: credential.id,
      rawId: text(credential.rawId),
      authenticatorAttachment: credential.authenticatorAttachment || null,
      response,
      clientExtensionResults: credential.getClientExtensionResults(),
    };
  }

  const ways = {
    create: async (form) => {
      const alone = form.elements.passwordless ? form.elements.passwordless.checked : false;
      return navigator.credentials.create(creation(JSON.parse(form.dataset.options).creation_options, alone));
    },
    get: async (form) => navigator.credentials.get(request(JSON.parse(form.dataset.options).request_options)),
    login: async (form) => {
      const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error("no options");
      return navigator.credentials.get(request((await answer.json()).request_options));
    },
  };

  async function ask(form, button) {
    const problem = form.querySelector("p.error:last-of-type");
    problem.textContent = "";
    button.disabled = true;
    try {
      form.elements.credential.value = JSON.stringify(plain(await ways[form.dataset.webauthn](form)));
      form.submit();
    } catch {
      problem.textContent = "The key was not read. Try again, or use another way.";
      button.disabled = false;
    }
  }

  if (!window.PublicKeyCredential) return;
  for (const form of document.querySelectorAll("form[data-webauthn]")) {
    const button = form.querySelector("button[type=button]");
    form.hidden = button.hidden = false;
    button.addEventListener("click", () => ask(form, button));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form, button);
    });
  }
})();

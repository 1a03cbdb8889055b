/// The script at `/v3/`: enough of Stripe.js for a payment element, card confirmation and redirects.
///
/// It talks to the simulator it was loaded from, with the publishable key and the client secret alone, and follows
/// Stripe.js in what it returns: `{ paymentIntent }` or `{ error }`, never an exception.
enum StripeScript {
    static let text = #"""
        (function (global) {
          "use strict";
          var script = global.document && global.document.currentScript;
          var base = (script && script.src ? new URL(script.src).origin : global.STRIPE_SIMULATOR_BASE) || "";

          function encode(value, name, into) {
            if (value === undefined || value === null) return into;
            if (typeof value === "object") {
              Object.keys(value).forEach(function (key) {
                encode(value[key], name ? name + "[" + key + "]" : key, into);
              });
            } else {
              into.push(encodeURIComponent(name) + "=" + encodeURIComponent(value));
            }
            return into;
          }

          function Stripe(key) {
            if (typeof key !== "string" || key.indexOf("pk_") !== 0) {
              throw new Error("Please call Stripe() with your publishable key. You used " + typeof key + ".");
            }

            function request(method, path, fields) {
              var form = encode(Object.assign({ key: key }, fields), "", []).join("&");
              var get = method === "GET";
              return fetch(base + path + (get ? "?" + form : ""), {
                method: method,
                headers: get ? {} : { "Content-Type": "application/x-www-form-urlencoded" },
                body: get ? undefined : form,
              })
                .then(function (answer) { return answer.json(); })
                .catch(function () {
                  return { error: { type: "api_connection_error", message: "The network failed." } };
                });
            }

            function named(answer, name) {
              if (answer.error) return { error: answer.error };
              var result = {};
              result[name] = answer;
              return result;
            }

            function idOf(secret) { return String(secret).split("_secret_")[0]; }

            function isSetup(secret) { return String(secret).indexOf("seti_") === 0; }

            function pathOf(secret) {
              return "/v1/" + (isSetup(secret) ? "setup_intents/" : "payment_intents/") + idOf(secret);
            }

            function nameOf(secret) { return isSetup(secret) ? "setupIntent" : "paymentIntent"; }

            function retrieve(secret) {
              return request("GET", pathOf(secret), { client_secret: secret }).then(function (answer) {
                return named(answer, nameOf(secret));
              });
            }

            function go(url) { global.location.assign(url); return new Promise(function () {}); }

            function withResult(url, intent, secret) {
              var prefix = isSetup(secret) ? "setup_intent" : "payment_intent";
              var target = new URL(url);
              target.searchParams.set(prefix, intent.id);
              target.searchParams.set(prefix + "_client_secret", secret);
              target.searchParams.set("redirect_status", "succeeded");
              return target.toString();
            }

            function confirm(secret, fields, options) {
              options = options || {};
              var back = fields.return_url;
              var sent = Object.assign({ client_secret: secret, use_stripe_sdk: back ? undefined : true }, fields);
              return request("POST", pathOf(secret) + "/confirm", sent).then(function (answer) {
                if (answer.error) return { error: answer.error };
                var action = answer.next_action;
                if (action && options.handleActions !== false) {
                  var url = action.redirect_to_url ? action.redirect_to_url.url : action.use_stripe_sdk.stripe_js;
                  if (global.location && global.location.assign) return go(url);
                  return named(answer, nameOf(secret));
                }
                var always = options.redirect === "always" && back;
                if (always && global.location) return go(withResult(back, answer, secret));
                return named(answer, nameOf(secret));
              });
            }

            function cardOf(element) {
              var card = element && element._card ? element._card() : null;
              return card ? { type: "card", card: card } : undefined;
            }

            function method(given) {
              if (!given) return {};
              if (typeof given === "string") return { payment_method: given };
              var data = given.card && given.card._card ? cardOf(given.card) : { type: "card", card: given.card };
              data.billing_details = given.billing_details;
              return { payment_method_data: data };
            }

            function confirmElements(options) {
              var elements = options.elements;
              var secret = options.clientSecret || (elements && elements._secret);
              if (!secret) return Promise.reject(new Error("confirmPayment needs a client secret."));
              var fields = Object.assign({}, options.confirmParams);
              if (elements && elements._element && !fields.payment_method) {
                fields.payment_method_data = Object.assign(cardOf(elements._element), fields.payment_method_data);
              }
              return confirm(secret, fields, { redirect: options.redirect || "always" });
            }

            return {
              elements: function (options) { return makeElements(options || {}); },
              confirmPayment: confirmElements,
              confirmSetup: confirmElements,
              confirmCardPayment: function (secret, data, options) {
                data = data || {};
                return confirm(secret, Object.assign({ return_url: data.return_url }, method(data.payment_method)), options);
              },
              confirmCardSetup: function (secret, data, options) {
                data = data || {};
                return confirm(secret, Object.assign({ return_url: data.return_url }, method(data.payment_method)), options);
              },
              handleNextAction: function (options) {
                return retrieve(options.clientSecret).then(function (result) {
                  var intent = result.paymentIntent || result.setupIntent;
                  var action = intent && intent.next_action;
                  if (!action) return result;
                  return go(action.redirect_to_url ? action.redirect_to_url.url : action.use_stripe_sdk.stripe_js);
                });
              },
              retrievePaymentIntent: retrieve,
              retrieveSetupIntent: retrieve,
              createPaymentMethod: function (options) {
                var data = options.elements
                  ? Object.assign(cardOf(options.elements._element), options.params)
                  : Object.assign({ type: options.type }, cardOf(options.card) || { card: options.card });
                return request("POST", "/v1/payment_methods", data).then(function (answer) {
                  return named(answer, "paymentMethod");
                });
              },
              redirectToCheckout: function (options) { return go(base + "/c/pay/" + options.sessionId); },
            };
          }

          function makeElements(options) {
            var elements = {
              _secret: options.clientSecret,
              _element: null,
              create: function () { return (elements._element = makeElement()); },
              getElement: function () { return elements._element; },
              update: function (more) { elements._secret = more.clientSecret || elements._secret; },
              submit: function () { return Promise.resolve({}); },
              fetchUpdates: function () { return Promise.resolve({}); },
            };
            return elements;
          }

          function makeElement() {
            var fields = {};
            var handlers = {};
            var root = null;
            function tell(name, event) { (handlers[name] || []).forEach(function (handler) { handler(event); }); }
            function field(name, label, value) {
              var input = global.document.createElement("input");
              input.name = name;
              input.value = value;
              input.setAttribute("autocomplete", "off");
              input.addEventListener("input", function () { tell("change", { complete: true, empty: false }); });
              var wrapper = global.document.createElement("label");
              wrapper.textContent = label + " ";
              wrapper.appendChild(input);
              root.appendChild(wrapper);
              fields[name] = input;
            }
            var element = {
              mount: function (target) {
                root = typeof target === "string" ? global.document.querySelector(target) : target;
                if (!root) throw new Error("The element to mount in was not found: " + target);
                root.textContent = "";
                field("number", "Card number", "");
                field("expiry", "Expiry (MM / YY)", "");
                field("cvc", "CVC", "");
                tell("ready", {});
                return element;
              },
              unmount: function () { if (root) root.textContent = ""; root = null; },
              destroy: function () { element.unmount(); },
              clear: function () { Object.keys(fields).forEach(function (name) { fields[name].value = ""; }); },
              focus: function () { if (fields.number) fields.number.focus(); },
              update: function () {},
              on: function (name, handler) { (handlers[name] = handlers[name] || []).push(handler); return element; },
              off: function (name) { delete handlers[name]; return element; },
              _card: function () {
                var expiry = (fields.expiry ? fields.expiry.value : "").split("/");
                return {
                  number: fields.number ? fields.number.value.replace(/\s/g, "") : "",
                  exp_month: parseInt(expiry[0], 10) || 0,
                  exp_year: parseInt(expiry[1], 10) || 0,
                  cvc: fields.cvc ? fields.cvc.value : "",
                };
              },
            };
            return element;
          }

          Stripe.version = 3;
          global.Stripe = Stripe;
        })(typeof window === "undefined" ? globalThis : window);

        """#
}

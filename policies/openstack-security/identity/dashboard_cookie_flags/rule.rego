# METADATA
# title: The dashboard protects its sessions
# description: >-
#   Cookies of the login page are `Secure`, session cookies also `HttpOnly`; framing by other
#   sites is forbidden (`X-Frame-Options`, or `frame-ancestors` in a Content-Security-Policy);
#   the password field is not kept by the browser. Scripts read Horizon's CSRF cookie, so it
#   may lack `HttpOnly`. Takes `collect --with dashboard`.
# scope: package
# custom:
#   id: os.identity.dashboard-cookie-flags
#   severity: medium
#   input: resource
#   kinds: [endpoint.dashboard]
#   requires:
#     endpoint.dashboard: [/url, /reached]
#   controls: ['osg:dashboard-03', 'osg:dashboard-04', 'osg:dashboard-05', 'osg:dashboard-06', 'osg:dashboard-07', 'osg:dashboard-08']
#   standard: https://docs.openstack.org/security-guide/dashboard/checklist.html
#   remediation: >-
#     In local_settings: `CSRF_COOKIE_SECURE = True`, `SESSION_COOKIE_SECURE = True`,
#     `SESSION_COOKIE_HTTPONLY = True`, `DISALLOW_IFRAME_EMBED = True`,
#     `HORIZON_CONFIG["password_autocomplete"] = "off"`; restart Horizon. Without HTTPS nobody
#     can sign in any more.
#   parameters:
#     script_cookies: [csrftoken]
package os.identity.dashboard_cookie_flags

import rego.v1

import data.os.lib.answered

body := input.resource.body

shown if {
	body.reached == true
	answered.success(body)
}

cookies := object.get(body, "cookies", [])

headers := object.get(body, "headers", {})

policy := lower(object.get(headers, "content-security-policy", ""))

ancestors contains directive if {
	some part in split(policy, ";")
	directive := trim_space(part)
	startswith(directive, "frame-ancestors")
}

# `*`, or all of a scheme.
anybody contains source if {
	some directive in ancestors
	some source in split(trim_prefix(directive, "frame-ancestors"), " ")
	source != ""
	regex.match(`^([a-z][a-z0-9+.-]*:(//)?)?(\*(:[0-9*]+)?)?$`, source)
}

# Browsers that know the policy do not look at the other header.
framing if {
	count(ancestors) > 0
	count(anybody) == 0
}

framing if {
	count(ancestors) == 0
	lower(object.get(headers, "x-frame-options", "")) in ["deny", "sameorigin"]
}

violations contains {
	"message": sprintf("cookie `%s` lacks `Secure`", [cookie.name]),
	"path": sprintf("/cookies/%d/secure", [at]),
	"found": cookie.secure,
	"wanted": true,
} if {
	shown
	some at, cookie in cookies
	cookie.secure == false
}

violations contains {
	"message": sprintf("cookie `%s` lacks `HttpOnly`", [cookie.name]),
	"path": sprintf("/cookies/%d/http_only", [at]),
	"found": cookie.http_only,
	"wanted": true,
} if {
	shown
	some at, cookie in cookies
	cookie.http_only == false
	name := cookie.name
	scripts := input.parameters.script_cookies
	not name in scripts
}

violations contains {
	"message": "other sites may show the login page in a frame",
	"path": "/headers",
	"found": object.get(headers, "x-frame-options", null),
	"wanted": ["DENY", "SAMEORIGIN"],
} if {
	shown
	not framing
}

violations contains {
	"message": "browsers may keep the password",
	"path": "/autocomplete",
	"found": body.autocomplete,
	"wanted": "off",
} if {
	shown
	body.autocomplete in ["on", "unset"]
}

readable if {
	shown
	body.autocomplete in ["on", "unset", "off"]
	count(cookies) > 0
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	readable
	count(violations) == 0
}

verdict := "abort" if {
	not readable
	count(violations) == 0
}

reason := "the page is no login page: it sets no cookie or has no password field" if shown

reason := answered.unclear(body) if not shown

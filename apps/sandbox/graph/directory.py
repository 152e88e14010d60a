"""Organisation, licences, users and groups."""

from typing import Any

from .. import defaults
from ..state import directory as rows
from ..state.directory import User
from . import errors
from .listing import answer_list, chosen, project
from .request import Request, Response

USER_DEFAULT = (
    "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName", "id",
)  # fmt: skip
GROUP_DEFAULT = (
    "id", "deletedDateTime", "classification", "createdDateTime", "description", "displayName",
    "groupTypes", "mail", "mailEnabled", "mailNickname", "membershipRule", "proxyAddresses",
    "securityEnabled", "visibility",
)  # fmt: skip
ORGANISATION_DEFAULT = (
    "id", "displayName", "countryLetterCode", "createdDateTime", "defaultUsageLocation", "preferredLanguage",
    "tenantType", "technicalNotificationMails", "verifiedDomains", "assignedPlans", "businessPhones",
)  # fmt: skip
SKU_DEFAULT = (
    "id", "accountId", "accountName", "appliesTo", "capabilityStatus", "consumedUnits", "prepaidUnits",
    "servicePlans", "skuId", "skuPartNumber", "subscriptionIds",
)  # fmt: skip


def _typed(kind: str) -> Any:
    def decorate(item: dict[str, Any], doc: dict[str, Any]) -> None:
        item["@odata.type"] = f"#microsoft.graph.{kind}"

    return decorate


def _organisation(request: Request) -> dict[str, Any]:
    created = request.cloud.db.get("tenant.created") or defaults.START_OF_TIME
    domain = {"capabilities": "Email, OfficeCommunicationsOnline", "type": "Managed"}
    return {
        "id": defaults.TENANT_ID,
        "displayName": request.cloud.db.get("tenant.name") or defaults.COMPANY,
        "countryLetterCode": "GB",
        "createdDateTime": created,
        "defaultUsageLocation": "GB",
        "preferredLanguage": "en",
        "tenantType": "AAD",
        "technicalNotificationMails": [f"it@{defaults.DOMAIN}"],
        "assignedPlans": [],
        "businessPhones": [],
        "verifiedDomains": [
            {**domain, "isDefault": True, "isInitial": False, "name": defaults.DOMAIN},
            {**domain, "isDefault": False, "isInitial": True, "name": defaults.INITIAL_DOMAIN},
        ],
    }


def list_organisation(request: Request) -> Response:
    return answer_list(request, [_organisation(request)], context="organization", default=ORGANISATION_DEFAULT)


def get_organisation(request: Request, key: str) -> Response:
    if key.lower() != defaults.TENANT_ID:
        raise errors.no_user(key)
    return _single(request, _organisation(request), "organization", ORGANISATION_DEFAULT)


def _single(request: Request, doc: dict[str, Any], context: str, default: tuple[str, ...]) -> Response:
    context_url = f"{request.base_url}/v1.0/$metadata#{context}/$entity"
    return Response({"@odata.context": context_url, **project(doc, chosen(request, default))})


def list_skus(request: Request) -> Response:
    return answer_list(request, rows.skus(request.cloud.db), context="subscribedSkus", default=SKU_DEFAULT)


def list_users(request: Request) -> Response:
    docs = [user.doc for user in rows.users(request.cloud.db)]
    return answer_list(request, docs, context="users", default=USER_DEFAULT)


def count_users(request: Request) -> Response:
    if not request.eventual:
        raise errors.GraphError(400, "Request_UnsupportedQuery", "$count requires ConsistencyLevel: eventual.")
    return Response(raw=str(len(rows.users(request.cloud.db))).encode(), content_type="text/plain")


def get_user(request: Request, user: User) -> Response:
    return _single(request, user.doc, "users", USER_DEFAULT)


def license_details(request: Request, user: User) -> Response:
    known = {sku["skuId"]: sku for sku in rows.skus(request.cloud.db)}
    held = [known[one["skuId"]] for one in user.doc.get("assignedLicenses", ()) if one["skuId"] in known]
    names = ("id", "servicePlans", "skuId", "skuPartNumber")
    return answer_list(request, held, context=f"users('{user.id}')/licenseDetails", default=names)


def member_of(request: Request, user: User) -> Response:
    docs = rows.groups_of(request.cloud.db, user.id)
    return answer_list(
        request, docs, context="directoryObjects", default=GROUP_DEFAULT, decorate=_typed("group")
    )


def list_groups(request: Request) -> Response:
    return answer_list(request, rows.groups(request.cloud.db), context="groups", default=GROUP_DEFAULT)


def _group(request: Request, key: str) -> dict[str, Any]:
    found = next((doc for doc in rows.groups(request.cloud.db) if doc["id"] == key.lower()), None)
    if found is None:
        raise errors.no_user(key)
    return found


def get_group(request: Request, key: str) -> Response:
    return _single(request, _group(request, key), "groups", GROUP_DEFAULT)


def _user_or_group(item: dict[str, Any], doc: dict[str, Any]) -> None:
    _typed("group" if "groupTypes" in doc else "user")(item, doc)


def list_members(request: Request, key: str, *, transitive: bool = False) -> Response:
    docs = rows.members_of(request.cloud.db, _group(request, key)["id"], transitive=transitive)
    return answer_list(request, docs, context="directoryObjects", default=USER_DEFAULT, decorate=_user_or_group)


def list_transitive_members(request: Request, key: str) -> Response:
    return list_members(request, key, transitive=True)

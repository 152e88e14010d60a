"""Settings → Storage: where backups lie, stores of one's own, moves and second copies."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.approvals import Proposed
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import sudo_required
from apps.core.errors import EverkeepError
from apps.core.permissions import Permission

from .. import own_stores, storage_page
from ..access import own_store_for, shelf_for
from ..move_orders import move_order
from ..shelves import default_shelf, replica_set
from ..store_forms import KINDS, StoreChoiceForm, form_for
from ..stores import customer_words

SETTINGS = Permission.ACCOUNT_SETTINGS


@require_safe
@member_required(SETTINGS)
def storage(request: MemberRequest) -> HttpResponse:
    """All stores and what lies in them."""
    trouble = ""
    try:
        default_shelf()
    except EverkeepError as error:
        trouble = customer_words(str(error))
    context = {
        "shelves": storage_page.shelf_lines(),
        "stores": storage_page.store_lines(),
        "trouble": trouble,
        **_place(),
    }
    return render(request, "vault/storage.html", context)


@require_safe
@member_required(SETTINGS)
def kinds(request: MemberRequest) -> HttpResponse:
    """Which kind of store to add."""
    offered = [(kind, title, sentence) for kind, (title, sentence, _) in KINDS.items()]
    return render(request, "vault/store_kinds.html", {"kinds": offered, **_place("Add a store")})


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@member_required(SETTINGS)
@sudo_required(reading=True)
def add(request: MemberRequest, kind: str) -> HttpResponse:
    """Test what is typed, and keep it when all works."""
    if kind not in KINDS:
        raise Http404
    title, sentence, form_class = KINDS[kind]
    form, results = form_class(request.POST or None), []
    if request.method == "POST" and form.is_valid():
        name, address = form.cleaned_data["name"], form.address()
        try:
            tried = own_stores.store_add(name=name, url=address, credentials=form.credentials)
        except EverkeepError as error:
            form.add_error(None, str(error))
        else:
            results = tried.results
            if tried.store:
                messages.info(request, f"{name} works and is in your list. Nothing is stored there yet.")
                return redirect("storage_store", tried.store.public_id)
    context = {"form": form, "title": title, "sentence": sentence, "results": results, **_place(title)}
    return render(request, "vault/store_add.html", context)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@member_required(SETTINGS)
def store(request: MemberRequest, store_id: UUID) -> HttpResponse:
    """One store of the account's own: its last test, its name and its credentials."""
    found = own_store_for(store_id)
    form = form_for(found.url)(request.POST or None, known=True, initial={"name": found.name})
    results = None
    if request.method == "POST" and form.is_valid():
        tried = own_stores.store_change(found, name=form.cleaned_data["name"], credentials=form.credentials)
        results = tried.results
        if tried.store:
            messages.info(request, "Saved.")
            return redirect("storage_store", store_id)
    lines = [line for line in storage_page.store_lines() if line.store.pk == found.pk]
    context = {"line": lines[0], "form": form, "results": results, **_place(found.name)}
    return render(request, "vault/store.html", context)


@require_POST
@member_required(SETTINGS)
def test(request: MemberRequest, store_id: UUID) -> HttpResponse:
    """Write, read, list, delete, lock: say how each went."""
    results = own_stores.store_test(own_store_for(store_id))
    return render(request, "vault/_store_test.html", {"results": results})


@require_POST
@member_required(SETTINGS)
def remove(request: MemberRequest, store_id: UUID) -> HttpResponse:
    """Take a store out of the list."""
    found = own_store_for(store_id)
    own_stores.store_remove(found)
    messages.info(request, f"{found} is out of the list. What lies in it was not touched.")
    return redirect("storage")


@require_POST
@member_required(SETTINGS)
@sudo_required()
def move(request: MemberRequest, shelf_id: UUID) -> HttpResponse:
    """Move a part of the backups to another store: off to its job, or to a second administrator."""
    shelf = shelf_for(shelf_id)
    stores = {str(store.public_id): store for store in storage_page.usable_stores()}
    form = StoreChoiceForm(request.POST, choices=[(key, key) for key in stores])
    if not form.is_valid():
        messages.info(request, "Choose a store to move to.")
        return redirect("storage")
    ordered = move_order(shelf=shelf, target=stores[form.cleaned_data["store"]])
    if isinstance(ordered, Proposed):
        messages.info(request, ordered.said)
        return redirect("storage")
    return redirect("job", ordered.public_id)


@require_POST
@member_required(SETTINGS)
@sudo_required()
def replica(request: MemberRequest, shelf_id: UUID) -> HttpResponse:
    """Keep second copies in another store, or no longer."""
    shelf = shelf_for(shelf_id)
    stores = {str(store.public_id): store for store in storage_page.usable_stores()}
    form = StoreChoiceForm(request.POST, choices=[("", "None"), *((key, key) for key in stores)])
    if form.is_valid():
        replica_set(shelf=shelf, replica=stores.get(form.cleaned_data["store"]))
        messages.info(request, "Saved. Copies are made in the background.")
    return redirect("storage")


def _place(title: str = "") -> dict[str, object]:
    crumbs = [
        {"words": "Settings", "url": reverse("settings")},
        {"words": "Storage", "url": reverse("storage")},
    ]
    if title:
        crumbs.append({"words": title, "url": ""})
    return {"crumbs": crumbs, "area": "settings"}

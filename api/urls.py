"""The API and the page of its tokens."""

from django.urls import path

from api import views
from api.root import api

urlpatterns = [
    path("api/", api.urls),
    path("account/tokens/", views.token_list, name="token_list"),
    path("account/tokens/<ulid:token_id>/revoke/", views.token_revoke, name="token_revoke"),
]

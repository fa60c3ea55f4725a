"""Signing in and out."""

from django.urls import path

from accounts import own_views, provider_views, views

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("sign-in/code/", views.sign_in_code, name="sign_in_code"),
    path("sign-in/provider/", provider_views.provider_start, name="provider_start"),
    path("sign-in/provider/callback/", provider_views.provider_callback, name="provider_callback"),
    path("sign-in/forgotten/", views.password_forgotten, name="password_forgotten"),
    path("sign-in/password/<slug:uid>/<slug:token>/", views.password_set, name="password_set"),
    path("account/sessions/", own_views.session_list, name="session_list"),
    path("account/sessions/<int:sign_in_id>/end/", own_views.session_end, name="session_end"),
    path("account/sessions/end-others/", own_views.session_end_others, name="session_end_others"),
    path("account/two-factor/", own_views.two_factor, name="two_factor"),
    path("account/password/", views.password_change, name="password_change"),
]

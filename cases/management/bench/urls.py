"""Ours, and beside it the addresses of the two other arms."""

from django.urls import include, path

from cases.management.bench import views

urlpatterns = [
    path("bench/ref/cases/", views.RefCreate.as_view()),
    path("bench/ref/referrals/", views.RefCreateAll.as_view()),
    path("bench/floor/cases/", views.floor_create),
    path("bench/ref/cases/<int:pk>/take/", views.ref_move),
    path("bench/floor/cases/<int:pk>/take/", views.floor_move),
    path("bench/ref/list/", views.ref_list),
    path("bench/floor/list/", views.floor_list),
    path("bench/ref/cases/<int:pk>/", views.ref_detail),
    path("bench/floor/cases/<int:pk>/", views.floor_detail),
    path("bench/ref/search/", views.ref_search),
    path("bench/floor/search/", views.floor_search),
    path("bench/ref/callbacks/", views.RefCallbackDoor.as_view()),
    path("bench/floor/callbacks/", views.floor_callback),
    path("", include("backoffice.urls")),
]

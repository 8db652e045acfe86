"""The one address that the bookshop has."""

from books.views import book_list
from django.urls import path

urlpatterns = [path("books/", book_list)]

"""The list of books, whose authors are loaded one by one or joined."""

from django.conf import settings
from django.http import JsonResponse

from books.models import Book

PAGE = 50


def book_list(request):
    """A page of books with their authors' names."""
    first = PAGE * (int(request.GET.get("page", 1)) - 1)
    books = Book.objects.order_by("pk")
    if settings.BOOKS_LOADING == "joined":
        books = books.select_related("author")
    return JsonResponse(
        {"books": [{"title": book.title, "author": book.author.name} for book in books[first : first + PAGE]]}
    )
